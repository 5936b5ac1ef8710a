// What a shop sells of each kind, and in what cloth and colours. Names of
// categories are those of the Fashion Product Images set where it has them.
#include "clients/pictures/garment.h"

namespace vitrine {
namespace {

using enum Weave;
using Names = std::vector<std::string_view>;

const Names kAllSeasons = {"Summer", "Fall", "Winter", "Spring"};
const Names kWarm = {"Summer", "Summer", "Spring", "Fall"};
const Names kCold = {"Winter", "Winter", "Fall"};
const Names kLeathers = {"Black",     "Black", "Brown", "Tan", "Maroon",
                         "Navy Blue", "Grey",  "White", "Red", "Beige"};
const Names kDenims = {"Blue",  "Blue", "Blue",     "Navy Blue", "Navy Blue",
                       "Black", "Grey", "Charcoal", "White"};
const Names kSober = {"Black", "Charcoal", "Grey",   "Navy Blue", "Brown",
                      "Beige", "Olive",    "Maroon", "Khaki",     "Teal",
                      "Cream", "Blue",     "Tan"};

constexpr std::array<double, 5> kAnyone = {5, 4, 1, 1, 0.5};
constexpr std::array<double, 5> kMostlyMen = {7, 2, 1, 0.4, 0.3};
constexpr std::array<double, 5> kMostlyWomen = {0, 8, 0, 1.5, 0};
constexpr std::array<double, 5> kUnisex = {3, 3, 0, 0, 5};

const std::vector<GarmentKind>& Kinds() {
  static const std::vector<GarmentKind> kinds = {
      // clang-format off
      {"Tshirts", "Topwear", "Apparel", DrawTshirt, 11, {5, 3, 0.3, 0.6, 4}, {kPlain},
       StripeWay::kAcross, 0.75, kAnyone, {"Casual", "Casual", "Sports"}, kWarm, {},
       {"T-shirt", "Tee", "Crew T-shirt"}, 1, 12, false},
      {"Tops", "Topwear", "Apparel", DrawTop, 5, {4, 2, 0.7, 1.3, 3}, {kPlain},
       StripeWay::kAcross, 0.2, kMostlyWomen, {"Casual", "Casual", "Party"}, kWarm, {},
       {"Top", "Camisole", "Vest Top"}, 0.8, 12, false},
      {"Shirts", "Topwear", "Apparel", DrawShirt, 9, {5, 3.5, 5, 1, 1.5}, {kPlain},
       StripeWay::kUpright, 0, {7, 3, 1, 0.5, 0}, {"Casual", "Formal"}, kAllSeasons, {},
       {"Shirt", "Oxford Shirt", "Slim Fit Shirt"}, 0.9, 10, false},
      {"Sweaters", "Topwear", "Apparel", DrawSweater, 5, {6, 3, 0.5, 0.4, 0.8}, {kKnit,
       kKnit, kRib}, StripeWay::kAcross, 0.4, kAnyone, {"Casual"}, kCold, {}, {"Sweater",
       "Jumper", "Knit Pullover"}, 0.7, 12, false},
      {"Sweatshirts", "Topwear", "Apparel", DrawSweatshirt, 4, {6, 1, 0, 0.2, 3}, {kPlain,
       kFleece}, StripeWay::kAcross, 0.95, kAnyone, {"Casual", "Sports"}, kCold, {},
       {"Sweatshirt", "Hoodie"}, 0.8, 12, false},
      {"Jackets", "Topwear", "Apparel", DrawJacket, 5, {9, 0.3, 0.8, 0, 0.8}, {kPlain,
       kPlain, kPlain, kLeather, kDenim}, StripeWay::kAcross, 0, kAnyone, {"Casual",
       "Casual", "Sports"}, kCold, {}, {"Jacket"}, 0.7, 10, false},
      {"Blazers", "Topwear", "Apparel", DrawBlazer, 2.5, {8, 0.4, 2, 0, 0}, {kPlain, kPlain,
       kCorduroy}, StripeWay::kUpright, 0, {6, 3, 0, 0, 0}, {"Formal", "Formal",
       "Smart Casual"}, kAllSeasons, kSober, {"Blazer"}, 0.45, 7, false},
      {"Coats", "Topwear", "Apparel", DrawCoat, 3, {8, 0, 1.5, 0, 0}, {kPlain, kFleece},
       StripeWay::kUpright, 0, {4, 6, 0, 0, 0}, {"Casual", "Formal"}, kCold, {"Black",
       "Charcoal", "Grey", "Navy Blue", "Brown", "Beige", "Tan", "Khaki", "Maroon", "Cream",
       "Olive", "Red", "Pink", "Mustard"}, {"Coat", "Overcoat", "Wool Coat"}, 0.5, 7, false},
      {"Dresses", "Dress", "Apparel", DrawDress, 8, {5, 1, 0.8, 1.5, 4}, {kPlain},
       StripeWay::kEither, 0, kMostlyWomen, {"Casual", "Casual", "Party"}, kWarm, {},
       {"Dress", "Midi Dress", "Summer Dress"}, 0.7, 9, false},
      {"Skirts", "Bottomwear", "Apparel", DrawSkirt, 4, {5, 1, 1.3, 1, 2}, {kPlain, kPlain,
       kPlain, kCorduroy, kDenim}, StripeWay::kEither, 0, kMostlyWomen, {"Casual", "Casual",
       "Party", "Formal"}, kWarm, {}, {"Skirt"}, 0.6, 9, false},
      {"Trousers", "Bottomwear", "Apparel", DrawTrousers, 5, {9, 0.8, 1.2, 0, 0.5}, {kPlain,
       kPlain, kPlain, kCorduroy}, StripeWay::kUpright, 0, kAnyone, {"Casual", "Formal",
       "Sports"}, kAllSeasons, {}, {"Trousers", "Pants", "Chinos"}, 0.8, 10, false},
      {"Jeans", "Bottomwear", "Apparel", DrawJeans, 5, {1, 0, 0, 0, 0}, {kDenim},
       StripeWay::kUpright, 0, kAnyone, {"Casual"}, kAllSeasons, kDenims, {"Jeans",
       "Slim Jeans", " Denim Jeans"}, 0.9, 10, false},
      {"Shorts", "Bottomwear", "Apparel", DrawShorts, 4, {6, 0.8, 1.2, 0.4, 1.6}, {kPlain,
       kPlain, kPlain, kDenim}, StripeWay::kUpright, 0, kMostlyMen, {"Casual", "Sports"},
       kWarm, {}, {"Shorts"}, 0.9, 10, false},
      {"Casual Shoes", "Shoes", "Footwear", DrawCasualShoe, 6, {8, 0.4, 0.8, 0.3, 1},
       {kPlain, kLeather}, StripeWay::kEither, 0, kAnyone, {"Casual"}, kAllSeasons, {},
       {"Casual Shoes", "Sneakers", "Canvas Shoes"}, 0.15, 7, true},
      {"Sports Shoes", "Shoes", "Footwear", DrawSportsShoe, 4.5, {1, 0, 0, 0, 0}, {kPlain},
       StripeWay::kEither, 0, kMostlyMen, {"Sports"}, kAllSeasons, {}, {"Running Shoes",
       "Sports Shoes", "Trainers"}, 0.1, 7, true},
      {"Formal Shoes", "Shoes", "Footwear", DrawFormalShoe, 2.5, {1, 0, 0, 0, 0},
       {kLeather}, StripeWay::kEither, 0, {8, 1, 0, 0, 0}, {"Formal"}, kAllSeasons,
       {"Black", "Black", "Brown", "Tan", "Maroon", "Navy Blue", "Grey"}, {"Formal Shoes",
       "Derby Shoes", "Leather Shoes"}, 0.1, 6, true},
      {"Heels", "Shoes", "Footwear", DrawHeel, 4.5, {9, 0.2, 0.2, 0.5, 1}, {kLeather,
       kPlain}, StripeWay::kEither, 0, {0, 1, 0, 0, 0}, {"Party", "Casual", "Formal"},
       kAllSeasons, {}, {"Heels", "Pumps"}, 0.05, 7, true},
      {"Boots", "Shoes", "Footwear", DrawBoot, 3.5, {1, 0, 0, 0, 0}, {kLeather, kLeather,
       kPlain}, StripeWay::kEither, 0, {4, 5, 0, 0, 0}, {"Casual", "Formal"}, kCold,
       {"Black", "Black", "Brown", "Tan", "Beige", "Grey", "Maroon", "Navy Blue", "Olive",
       "Khaki", "Rust"}, {"Boots", "Ankle Boots"}, 0.2, 6, true},
      {"Handbags", "Bags", "Accessories", DrawHandbag, 6, {8, 0.6, 0.6, 0.3, 1.2},
       {kLeather, kLeather, kPlain}, StripeWay::kAcross, 0, {0, 1, 0, 0, 0}, {"Casual",
       "Party", "Formal"}, kAllSeasons, {}, {"Handbag", "Bag", "Shoulder Bag"}, 0.25, 6,
       true},
      {"Backpacks", "Bags", "Accessories", DrawBackpack, 3.5, {7, 0.5, 1, 0.5, 2}, {kPlain,
       kPlain, kLeather}, StripeWay::kAcross, 0, kUnisex, {"Casual", "Sports", "Travel"},
       kAllSeasons, {}, {"Backpack", "Rucksack"}, 0.4, 7, false},
      {"Caps", "Headwear", "Accessories", DrawCap, 3, {8, 0.5, 1, 0.3, 1.2}, {kPlain,
       kDenim, kCorduroy}, StripeWay::kUpright, 0, kUnisex, {"Casual", "Sports"}, kWarm, {},
       {"Cap", "Baseball Cap"}, 0.15, 8, true},
      {"Hat", "Headwear", "Accessories", DrawHat, 3, {9, 1, 0.4, 0, 0.4}, {kPlain, kFleece,
       kStraw, kStraw, kKnit, kRib}, StripeWay::kAcross, 0, kUnisex, {"Casual"},
       kAllSeasons, {}, {"Hat"}, 0.15, 7, false},
      {"Scarves", "Scarves", "Accessories", DrawScarf, 3, {4, 2, 3, 0.7, 2}, {kPlain, kKnit,
       kFleece}, StripeWay::kAcross, 0, kUnisex, {"Casual"}, kCold, {}, {"Scarf",
       "Wool Scarf"}, 0.8, 8, false},
      {"Belts", "Belts", "Accessories", DrawBelt, 3, {1, 0, 0, 0, 0}, {kLeather, kLeather,
       kPlain}, StripeWay::kEither, 0, {5, 3, 0, 0, 0}, {"Casual", "Formal"}, kAllSeasons,
       kLeathers, {"Belt", "Leather Belt"}, 0.05, 12, true},
      {"Ties", "Ties", "Accessories", DrawTie, 2.5, {3, 5, 2, 2.5, 1.5}, {kPlain},
       StripeWay::kAcross, 0, {1, 0, 0, 0, 0}, {"Formal"}, kAllSeasons, {}, {"Tie",
       "Silk Tie"}, 0.2, 9, false},
      {"Watches", "Watches", "Accessories", DrawWatch, 5, {1, 0, 0, 0, 0}, {kLeather},
       StripeWay::kEither, 0, {5, 4, 0, 0, 2}, {"Casual", "Formal", "Sports"}, kAllSeasons,
       {"Silver", "Silver", "Gold", "Black", "Black", "Brown", "Tan", "Navy Blue", "White",
       "Red", "Charcoal"}, {"Watch", "Analogue Watch", "Chronograph"}, 0, 10, false},
      {"Sunglasses", "Eyewear", "Accessories", DrawSunglasses, 3.5, {9, 0, 0, 0, 0.8},
       {kPlain}, StripeWay::kAcross, 0, kUnisex, {"Casual"}, kWarm, {}, {"Sunglasses"}, 0,
       8, false},
      // clang-format on
  };
  return kinds;
}

}  // namespace

std::span<const GarmentKind> GarmentKinds() { return Kinds(); }

}  // namespace vitrine
