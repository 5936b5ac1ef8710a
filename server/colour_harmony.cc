#include "server/colour_harmony.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/traits.h"

namespace vitrine {
namespace {

using Relation = v1::ColourHarmony::Relation;

// Attributes that tell a colour, the likeliest first; compared in lower case
// and without marks.
constexpr std::string_view kColourAttributes[] = {
    "basecolour", "basecolor", "maincolour",      "maincolor",
    "colour",     "color",     "colourgroupname", "colorgroupname"};

constexpr float kNeutral = -1;

struct Entry {
  std::string_view name;
  float hue;  // Of the wheel of painters, in twelfths and their parts.
};

// Sorted by name. Neutrals are black, white, the greys, what is pale or earthy
// enough to be worn as one, navy, denim, and metals.
constexpr Entry kColours[] = {
    {"amber", 90},          {"anthracite", kNeutral},
    {"apricot", 60},        {"aqua", 210},
    {"aquamarine", 205},    {"aubergine", 315},
    {"azure", 235},         {"beige", kNeutral},
    {"black", kNeutral},    {"blue", 240},
    {"blush", 350},         {"bordeaux", 345},
    {"bronze", kNeutral},   {"brown", 45},
    {"burgundy", 345},      {"camel", kNeutral},
    {"charcoal", kNeutral}, {"chocolate", 45},
    {"cobalt", 245},        {"cognac", 45},
    {"copper", kNeutral},   {"coral", 15},
    {"cream", kNeutral},    {"crimson", 350},
    {"cyan", 215},          {"denim", kNeutral},
    {"ecru", kNeutral},     {"emerald", 190},
    {"fuchsia", 330},       {"gold", kNeutral},
    {"gray", kNeutral},     {"green", 180},
    {"grey", kNeutral},     {"indigo", 260},
    {"ivory", kNeutral},    {"khaki", kNeutral},
    {"lavender", 295},      {"lemon", 120},
    {"lilac", 300},         {"lime", 150},
    {"lime green", 150},    {"magenta", 330},
    {"maroon", 0},          {"mauve", 315},
    {"mint", 195},          {"mustard", 105},
    {"navy", kNeutral},     {"navy blue", kNeutral},
    {"nude", kNeutral},     {"off white", kNeutral},
    {"offwhite", kNeutral}, {"olive", 140},
    {"olive green", 140},   {"orange", 60},
    {"peach", 50},          {"petrol", 220},
    {"pink", 345},          {"plum", 315},
    {"purple", 300},        {"red", 0},
    {"rose", 345},          {"rose gold", kNeutral},
    {"rust", 30},           {"salmon", 15},
    {"sand", kNeutral},     {"scarlet", 10},
    {"sea green", 195},     {"silver", kNeutral},
    {"skin", kNeutral},     {"sky", 235},
    {"steel", kNeutral},    {"stone", kNeutral},
    {"tan", kNeutral},      {"taupe", kNeutral},
    {"teal", 215},          {"terracotta", 30},
    {"turquoise", 210},     {"turquoise blue", 210},
    {"violet", 300},        {"white", kNeutral},
    {"wine", 345},          {"yellow", 120},
};

// The sectors of Cohen-Or et al.: 18 degrees for type i, 93.6 for type Y, of
// which the other colour may be half away from our opposite.
constexpr float kSame = 18;
constexpr float kHalfSector = 93.6f / 2;
// Three neighbours of Itten's twelve colours; type V holds them.
constexpr float kNeighbours = 60;
constexpr float kTriad = 120;

std::optional<NamedColour> Find(std::string_view name) {
  const auto found =
      std::lower_bound(std::begin(kColours), std::end(kColours), name,
                       [](const Entry& entry, std::string_view sought) {
                         return entry.name < sought;
                       });
  if (found == std::end(kColours) || found->name != name) return std::nullopt;
  if (found->hue == kNeutral) return NamedColour{.is_neutral = true};
  return NamedColour{.hue = found->hue};
}

// The colour of one phrase: two words that are one colour, else the last word
// that is one ("light grey", "blue melange").
void AddColour(std::vector<std::string>* words,
               std::vector<NamedColour>* colours) {
  std::optional<NamedColour> colour;
  for (size_t i = words->size(); !colour && i >= 2; --i)
    colour = Find(absl::StrCat((*words)[i - 2], " ", (*words)[i - 1]));
  for (size_t i = words->size(); !colour && i >= 1; --i)
    colour = Find((*words)[i - 1]);
  if (colour) colours->push_back(*colour);
  words->clear();
}

std::string Folded(std::string_view name) {
  std::string folded;
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte)) folded += absl::ascii_tolower(byte);
  }
  return folded;
}

// How likely an attribute tells the colour, 0 the likeliest; none where it does
// not.
std::optional<size_t> RankOf(std::string_view attribute) {
  const auto found = std::find(std::begin(kColourAttributes),
                               std::end(kColourAttributes), Folded(attribute));
  if (found == std::end(kColourAttributes)) return std::nullopt;
  return static_cast<size_t>(found - std::begin(kColourAttributes));
}

}  // namespace

std::vector<NamedColour> ColoursNamed(std::string_view text) {
  std::vector<NamedColour> colours;
  std::vector<std::string> words;
  std::string word;
  auto end_word = [&] {
    if (word == "and") {
      AddColour(&words, &colours);
    } else if (!word.empty()) {
      words.push_back(word);
    }
    word.clear();
  };
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalpha(byte)) {
      word += absl::ascii_tolower(byte);
      continue;
    }
    end_word();
    if (c == '/' || c == ',' || c == ';' || c == '&' || c == '+')
      AddColour(&words, &colours);
  }
  end_word();
  AddColour(&words, &colours);
  return colours;
}

std::string ColourOf(
    const google::protobuf::Map<std::string, v1::AttributeValue>& attributes) {
  std::optional<size_t> best;
  std::string_view best_name;
  std::string colour;
  for (const auto& [name, value] : attributes) {
    const auto rank = RankOf(name);
    // Of names that differ in case alone the lower one, since maps are in no
    // order.
    if (!rank || (best && (*rank > *best ||
                           (*rank == *best && best_name < std::string(name)))))
      continue;
    std::string text;
    if (value.has_text()) {
      text = value.text();
    } else if (value.has_list()) {
      for (const std::string& one : value.list().values())
        absl::StrAppend(&text, text.empty() ? "" : "/", one);
    }
    if (ColoursNamed(text).empty()) continue;
    best = rank;
    best_name = name;
    colour = std::move(text);
  }
  return colour;
}

Relation RelationOf(const NamedColour& a, const NamedColour& b) {
  if (a.is_neutral || b.is_neutral) return v1::ColourHarmony::RELATION_NEUTRAL;
  const float turn = std::fabs(a.hue - b.hue);
  const float apart = std::min(turn, 360 - turn);
  if (apart <= kSame) return v1::ColourHarmony::RELATION_MONOCHROME;
  if (apart <= kNeighbours) return v1::ColourHarmony::RELATION_ANALOGOUS;
  if (apart >= 180 - kHalfSector)
    return v1::ColourHarmony::RELATION_COMPLEMENTARY;
  // Up to where the opposites begin, and as far on the other side.
  if (apart >= 2 * kTriad - (180 - kHalfSector))
    return v1::ColourHarmony::RELATION_TRIADIC;
  return v1::ColourHarmony::RELATION_DISCORDANT;
}

Relation RelationOf(const std::vector<NamedColour>& a,
                    const std::vector<NamedColour>& b) {
  Relation least = v1::ColourHarmony::RELATION_UNSPECIFIED;
  for (const NamedColour& one : a) {
    for (const NamedColour& other : b) {
      const Relation relation = RelationOf(one, other);
      if (least == v1::ColourHarmony::RELATION_UNSPECIFIED ||
          ValueOf(relation) < ValueOf(least))
        least = relation;
    }
  }
  return least;
}

float ValueOf(Relation relation) {
  switch (relation) {
    case v1::ColourHarmony::RELATION_NEUTRAL:
      return 1;
    case v1::ColourHarmony::RELATION_MONOCHROME:
      return 0.95f;
    case v1::ColourHarmony::RELATION_ANALOGOUS:
      return 0.9f;
    case v1::ColourHarmony::RELATION_COMPLEMENTARY:
      return 0.85f;
    case v1::ColourHarmony::RELATION_TRIADIC:
      return 0.75f;
    default:
      return 0.3f;
  }
}

}  // namespace vitrine
