// The files of the page, which are a part of the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/http/http_server.h"

namespace vitrine::gallery {

struct SiteFile {
  std::string_view name;  // Without a folder: "gallery.css".
  std::string_view content;
};

// Those of clients/gallery/site, as they were when the program was built.
const std::vector<SiteFile>& SiteFiles();

// GET /NAME, and / for index.html; 404 for what is none of them.
HttpResponse AnswerWithFile(const HttpRequest& request);

}  // namespace vitrine::gallery
