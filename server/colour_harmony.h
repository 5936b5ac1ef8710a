// How colours that are known by their names go together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/map.h"
#include "vitrine/v1/search.pb.h"

namespace vitrine {

// A colour's place on the colour wheel of painters (J. Itten, The Art of Color,
// 1961), whose opposites are red and green, blue and orange, yellow and violet.
struct NamedColour {
  bool is_neutral = false;  // Has no place, and goes with every other.
  float hue = 0;            // In degrees: red 0, yellow 120, blue 240.
};

// The colours that a text names, such as "Navy Blue", "light-grey" or
// "red/white"; none where it names none that is known ("Multi").
std::vector<NamedColour> ColoursNamed(std::string_view text);

// The text of a product's colour attribute, several values with a / between;
// empty where it has none, or one that names no known colour.
std::string ColourOf(
    const google::protobuf::Map<std::string, v1::AttributeValue>& attributes);

// By the templates of hues of Y. Matsuda (1995) as D. Cohen-Or et al. give them
// in widths (Color Harmonization, SIGGRAPH 2006): within the sector of type i
// two hues are the same, within half of type Y's of the opposite complementary.
// Neighbours and triads are Itten's.
v1::ColourHarmony::Relation RelationOf(const NamedColour& a,
                                       const NamedColour& b);

// Where several colours meet, the relation that is valued least: a clash
// anywhere is one. UNSPECIFIED where there are none.
v1::ColourHarmony::Relation RelationOf(const std::vector<NamedColour>& a,
                                       const std::vector<NamedColour>& b);

// What a relation counts in a complement's score in place of the similarity of
// the colours, 0 to 1. The theory calls all but the discordant ones harmonious
// and puts none above another; that the quieter ones come first is our choice.
float ValueOf(v1::ColourHarmony::Relation relation);

}  // namespace vitrine
