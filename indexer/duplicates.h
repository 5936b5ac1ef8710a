// Pictures that show the very content of another product's.
#pragma once

#include <functional>
#include <string>

#include "indexer/generation_draft.h"
#include "indexer/publisher.h"

namespace vitrine {

// Adds a warning to each receipt of the draft, of an accepted or changed
// picture, whose content is that of a picture of another product that will be
// searchable too. It names one of them. Pictures whose key is `going` will be
// removed soon, as where files were moved: they do not count.
void WarnOfDuplicates(
    const IndexView& view,
    const std::function<bool(const std::string& image_key)>& going,
    GenerationDraft* draft);

}  // namespace vitrine
