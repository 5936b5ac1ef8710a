// What T-shirts, shirts, jumpers, jackets, coats and dresses share: a body,
// sleeves, a neck, and the folds that cloth on them falls into. Right-hand
// halves; see outline.h.
#pragma once

#include "clients/pictures/garment.h"

namespace vitrine {

struct Torso {
  double neck = 27;    // half width at the top
  double neck_y = 46;  // of the side of the neck
  double neck_depth = 20;
  bool v_neck = false;
  double drop = 17;      // of the shoulder line
  double shoulder = 68;  // half widths
  double armhole = 68;   // its height
  double chest = 68;
  double waist = 66;
  double hem = 70;
  double bottom = 285;
  double hem_curve = 4;  // how much lower the middle of the hem is
  double side_rise = 0;  // how much higher the hem is at the sides

  Point shoulder_tip() const { return {shoulder, neck_y + drop}; }
  Point underarm() const { return {chest, neck_y + drop + armhole}; }
  double waist_y() const {
    return underarm().y + 0.45 * (bottom - underarm().y);
  }
};

// The front edge of the neck, from the right shoulder to the left; `lower`
// moves it down.
Outline Neckline(const Torso& t, double lower = 0);
Outline BodyOutline(const Torso& t);
// The same without sleeves: narrower shoulders, cut in.
Outline SleevelessOutline(const Torso& t, double strap);

// The inside of the back, seen through the neck, with a label.
void DrawBackNeck(const Torso& t, const Materials& m, Board& board);
// A band along the neck.
void DrawNeckBand(const Torso& t, const Cloth& cloth, double width,
                  Board& board);

struct Sleeve {
  double length = 60;
  double end = 44;  // its width at the end
  double cuff = 0;  // height of a cuff, if any
  double puff = 1;
};
// Both sleeves; the arms hang as `pose` says. Before the body.
void DrawSleeves(const Torso& t, const Sleeve& sleeve, const Cloth& cloth,
                 const Cloth& cuff, bool stitched, Random& pose, Board& board);

// Folds of the body, from the arms and towards the hem. After the body.
void FoldBody(const Torso& t, double depth, Random& pose, Board& board);
// The hem's double line of stitches, or a band of `height`.
void DrawHemStitches(const Torso& t, double up, Rgb thread, Board& board);
void DrawHemBand(const Torso& t, double height, const Cloth& cloth,
                 Board& board);
// A shirt's collar: two leaves and a stand. `spread` is how far the points go
// out.
void DrawCollar(const Torso& t, double length, double spread,
                const Cloth& cloth, const Materials& m, Board& board);
// Letters, an emblem or a picture on the chest.
void DrawBadge(const Torso& t, const PatternColours& colours, Random& shape,
               Board& board);
// A pocket with an opening at the top; `flap` closes it.
void DrawPocket(Point centre, double width, double height, bool flap,
                const Cloth& cloth, const Materials& m, Board& board);

}  // namespace vitrine
