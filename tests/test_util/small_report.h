// A report of few numbers, which tests can work out.
#pragma once

#include "clients/eval/eval_options.h"
#include "clients/eval/eval_set.h"
#include "clients/eval/results.h"

namespace vitrine::eval {

// One extractor with one query that found one right answer of two.
struct SmallReport {
  SmallReport() {
    options.ks = {2};
    options.catalog.root = "photos";
    set.senders_known = true;
    set.photos.resize(3);
    set.photos[0].path = "images/a, \"b\".jpg";
    set.photos[0].product_id = "p0";
    set.photos[0].sender = "148";
    set.photos[2].path = "images/c.jpg";
    Task& task = set.tasks.emplace_back();
    task.name = "category";
    task.classes = {"<Hat>"};
    task.label = {0, 0, 0};
    ExtractorResult& extractor = result.extractors.emplace_back();
    extractor.name = "small";
    extractor.card_name = "small";
    extractor.file = "models/small.pt";
    extractor.sha256 = "0a1b";
    extractor.bytes = 8'500'000;
    extractor.dim = 512;
    extractor.origin = "ImageNet weights, projection: Vitrine";
    extractor.trained_on = "2,912 photos";
    extractor.views = 40;
    extractor.rates = {{1, 1, 80}, {1, 8, 100}};
    Configuration& configuration = extractor.configurations.emplace_back();
    configuration.blocks = "all";
    configuration.answers = {{0, 2, {{2, 0.1F}, {1, 0.2F}}, {1, 0}}};
    configuration.figures =
        FiguresOf(set, task, configuration.answers, options.ks, true);
    configuration.self_retrieval = Estimate{0.975, 0.95, 1};
    set.split = "all photos";
    result.gallery = 3;
    result.facts = {"vitrine eval '--label=a b'",
                    "2026-11-25 09:12 UTC",
                    "1.2",
                    "A <processor>",
                    4,
                    2};
    result.seconds = 95;
  }
  // Another model, four times as slow, of the same figures.
  void AddVgg16() {
    ExtractorResult vgg16 = result.extractors[0];
    vgg16.name = "VGG16 (from scratch)";
    vgg16.card_name = "VGG16";
    vgg16.origin = "random weights";
    vgg16.trained_on = "four epochs";
    vgg16.rates = {{1, 1, 20}, {1, 8, 25}};
    result.extractors.push_back(vgg16);
  }

  EvalOptions options;
  EvalSet set;
  EvalResult result;
};

}  // namespace vitrine::eval
