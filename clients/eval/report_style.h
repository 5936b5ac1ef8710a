// How the report looks.
#pragma once

#include <string_view>

namespace vitrine::eval {

inline constexpr std::string_view kReportStyle = R"(
body { margin: 0; background: #fff; color: #202226;
       font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 32px; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 21px; margin: 48px 0 12px; }
p, li, figcaption { max-width: 80ch; }
.lead { font-size: 18px; color: #4a4e55; }
figure { margin: 0; }
figure img { max-width: 100%; height: auto; border: 1px solid #e2e4e8; }
figcaption { color: #4a4e55; font-size: 15px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid #e2e4e8; white-space: nowrap; }
th { font-weight: 600; border-bottom: 2px solid #202226; white-space: normal; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.strong td { font-weight: 600; }
.card { display: inline-block; white-space: normal; text-align: left;
        min-width: 24em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 24px; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
details { margin: 12px 0; }
summary { cursor: pointer; color: #4a4e55; }
.heat th, .heat td { padding: 4px; border: 1px solid #fff; }
.heat td { min-width: 28px; text-align: center; }
.heat th { font-weight: 400; white-space: nowrap; vertical-align: bottom; }
.heat th.up { writing-mode: vertical-rl; transform: rotate(180deg); }
small { color: #6b7078; font-weight: 400; }
)";

}  // namespace vitrine::eval
