#include "clients/pictures/product.h"

#include <algorithm>
#include <vector>

namespace vitrine {
namespace {

// Streams of random numbers, so that a change in one leaves the others alone.
enum Stream : uint64_t { kWords, kCloth, kShape, kFirstPose };

constexpr std::string_view kBrands[] = {
    "Northmoor", "Alder & Finch", "Kestrel Row",  "Maison Orla", "Lumen",
    "Halyard",   "Birch Street",  "Corvane",      "Tidewell",    "Ostrava",
    "Fennimore", "Sable & Co",    "Quillon",      "Marlowe",     "Vantor",
    "Sorrel",    "Pellam",        "Juniper Lane", "Arkwright",   "Delmar"};

Rgb PickOther(Rgb ground, Rgb also, Random& random) {
  // Neutrals go with everything; of the rest, what stands apart.
  for (int i = 0; i < 40; ++i) {
    const Rgb c = random.Chance(0.5)
                      ? ColourNamed(random.Pick<std::string_view>(
                                        {"White", "White", "Black", "Navy Blue",
                                         "Cream", "Grey", "Beige"}))
                            .rgb
                      : random.Pick(Palette()).rgb;
    if (ColourDistance(c, ground) > 130 && ColourDistance(c, also) > 90) {
      return c;
    }
  }
  return Luma(ground) > 128 ? Rgb{30, 32, 40} : Rgb{240, 240, 238};
}

Rgb Jittered(Rgb c, Random& random) {
  const int light = random.Int(-7, 7);
  auto move = [&](int v) {
    return std::clamp(v + light + random.Int(-5, 5), 0, 255);
  };
  return {move(c.r), move(c.g), move(c.b)};
}

// Which weave is cut from which cloth is settled here, once for all pictures.
Materials PickMaterials(const SampleProduct& product) {
  Random random(product.seed, product.id, kCloth);
  const GarmentKind& kind = *product.kind;
  Materials m;
  m.pattern = product.pattern;
  m.weave = random.Pick(std::span<const Weave>(kind.weaves));
  if (m.pattern != Pattern::kSolid &&
      (m.weave == Weave::kLeather || m.weave == Weave::kDenim)) {
    m.weave = Weave::kPlain;
  }
  m.colours.ground = Jittered(ColourNamed(product.base_colour).rgb, random);
  if (m.weave == Weave::kDenim) {
    // Indigo is never as pure as other dyes.
    m.colours.ground = Mix(m.colours.ground, {104, 116, 134}, 0.28);
  }
  m.colours.second = PickOther(m.colours.ground, m.colours.ground, random);
  m.colours.third = PickOther(m.colours.ground, m.colours.second, random);
  m.badge = m.pattern == Pattern::kPrinted && random.Chance(kind.badge);
  m.plain = SolidCloth(m.colours.ground, m.weave);
  m.main = m.badge ? m.plain
                   : PatternedCloth(m.pattern, m.colours, m.weave, kind.stripes,
                                    random);
  m.contrast = SolidCloth(m.colours.second,
                          m.weave == Weave::kStraw ? Weave::kPlain : m.weave);
  m.lining = SolidCloth(random.Chance(0.7)
                            ? Mix(m.colours.ground, {120, 116, 112}, 0.25)
                            : Mix(m.colours.second, {150, 146, 140}, 0.4),
                        Weave::kPlain);
  const bool amber = m.weave == Weave::kDenim || random.Chance(0.06);
  m.thread = amber ? Rgb{208, 148, 72}
                   : (Luma(m.colours.ground) > 70
                          ? Scale(m.colours.ground, 0.68)
                          : Mix(m.colours.ground, {255, 255, 255}, 0.28));
  m.button = random.Pick<Rgb>({{238, 236, 228},
                               {52, 46, 44},
                               {120, 84, 54},
                               Scale(m.colours.ground, 0.8),
                               Mix(m.colours.ground, {255, 255, 255}, 0.4)});
  m.metal = random.Pick<Rgb>({{196, 198, 204},
                              {196, 198, 204},
                              {206, 172, 96},
                              {110, 110, 116},
                              {172, 122, 82}});
  return m;
}

// "Men Navy Blue Striped Shirt"; now and then with the other colours, and so
// with commas.
std::string Name(const SampleProduct& p, Random& random) {
  std::string name(random.Pick(std::span(kBrands)));
  name += " " + p.gender + " " + p.base_colour;
  if (random.Chance(0.07)) {
    name += random.Pick(
        {", White and Red", ", Black", ", Grey and White", ", Cream, Brown"});
  }
  if (p.pattern != Pattern::kSolid) {
    name += " ";
    name += PatternName(p.pattern);
  }
  name += " ";
  name += random.Pick(std::span(p.kind->nouns));
  return name;
}

}  // namespace

SampleProduct DescribeProduct(uint64_t seed, uint64_t id) {
  Random random(seed, id, kWords);
  SampleProduct p;
  p.seed = seed;
  p.id = id;
  std::vector<double> weights;
  for (const GarmentKind& kind : GarmentKinds()) weights.push_back(kind.weight);
  p.kind = &GarmentKinds()[random.Weighted(std::span<const double>(weights))];
  constexpr std::string_view kGenders[] = {"Men", "Women", "Boys", "Girls",
                                           "Unisex"};
  p.gender =
      kGenders[random.Weighted(std::span<const double>(p.kind->genders))];
  p.pattern = static_cast<Pattern>(
      random.Weighted(std::span<const double>(p.kind->patterns)));
  if (p.kind->colours.empty()) {
    std::vector<double> common;
    for (const NamedColour& c : Palette()) common.push_back(c.weight);
    p.base_colour =
        Palette()[random.Weighted(std::span<const double>(common))].name;
  } else {
    p.base_colour = random.Pick(std::span(p.kind->colours));
  }
  p.season = random.Pick(std::span(p.kind->seasons));
  p.year = random.Int(2011, 2018);
  p.usage = random.Pick(std::span(p.kind->usages));
  p.display_name = Name(p, random);
  p.pictures = 1 + random.Weighted({78, 17, 5});
  return p;
}

Picture DrawProduct(const SampleProduct& product, int n, Board& board) {
  const GarmentKind& kind = *product.kind;
  const Materials materials = PickMaterials(product);
  Random shape(product.seed, product.id, kShape);
  Random pose(product.seed, product.id, kFirstPose + n);
  board.Reset();
  kind.draw(materials, shape, pose, board);
  board.Crumple(kind.crumple * pose.Uniform(0.25, 1),
                {pose.Uniform(0, kTile), pose.Uniform(0, kTile)});
  const Shot shot{.garment = materials.colours.ground,
                  .max_turn = kind.max_turn,
                  .may_flip = kind.may_flip};
  return Photograph(board, shot, pose);
}

std::string StylesHeader() {
  return "id,gender,masterCategory,subCategory,articleType,baseColour,season,"
         "year,usage,pattern,productDisplayName";
}

std::string StylesRow(const SampleProduct& p) {
  std::string row = std::to_string(p.id);
  for (const std::string_view value :
       {std::string_view(p.gender), p.kind->master_category,
        p.kind->sub_category, p.kind->article_type,
        std::string_view(p.base_colour), std::string_view(p.season)}) {
    row += ",";
    row += value;
  }
  row += "," + std::to_string(p.year) + "," + p.usage + ",";
  row += PatternName(p.pattern);
  return row + "," + p.display_name;
}

std::string PictureName(const SampleProduct& product, int n) {
  std::string name = std::to_string(product.id);
  if (n > 0) name += "_" + std::to_string(n + 1);
  return name + ".jpg";
}

}  // namespace vitrine
