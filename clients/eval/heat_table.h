// A heat map as an HTML table: for letters that the pictures' font lacks.
#pragma once

#include <string>

#include "clients/eval/plots.h"

namespace vitrine::eval {

// The cells of DrawHeatMap, in its colours: shares in %, none below 0.5, and
// grey where there is none. Names are whole. Pure.
std::string HeatTable(const HeatMap& map);

}  // namespace vitrine::eval
