#include "clients/cli/verbs.h"

#include <gtest/gtest.h>

#include <sstream>

#include "clients/cli/output_json.h"
#include "tests/test_util.h"
#include "tests/test_util/fake_server.h"

namespace vitrine::cli {
namespace {

using testing::FakeServer;
using testing::MakeHit;
using testing::Refusal;
using testing::TempDir;
using testing::WriteAll;

struct Printed {
  int exit_status = 0;
  std::string out;
  std::string err;

  std::vector<Json> Lines() const {
    std::vector<Json> lines;
    std::istringstream text(out);
    for (std::string line; std::getline(text, line);) {
      lines.push_back(Json::parse(line));
    }
    return lines;
  }
};

// Runs a command line against the server.
Printed RunCommand(const FakeServer& server, std::vector<std::string> arguments,
                   const std::string& pictures_program = "") {
  arguments.push_back("--server=" + server.address());
  CommandLine line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.flags) << line.text;
  std::ostringstream out, err;
  Printed printed;
  printed.exit_status =
      Run(*line.flags, Environment{out, err, -1, pictures_program});
  printed.out = out.str();
  printed.err = err.str();
  return printed;
}

TEST(Search, PrintsATable) {
  FakeServer server;
  server.search = [](const v1::SearchRequest& request,
                     v1::SearchResponse* response) {
    EXPECT_EQ(request.examples(0).product_id(), "1163");
    EXPECT_FALSE(request.fields().thumbnail());
    response->set_generation(3);
    *response->add_hits() = MakeHit("1163", 1, true);
    *response->add_hits() = MakeHit("7", 0.9996f);
    return grpc::Status::OK;
  };
  Printed printed = RunCommand(server, {"search", "--product=1163"});
  EXPECT_EQ(printed.exit_status, kOk);
  EXPECT_TRUE(printed.out.starts_with("1163: generation 3")) << printed.out;
  EXPECT_NE(printed.out.find("100 %"), std::string::npos);
  EXPECT_NE(printed.out.find("99.9 %"), std::string::npos);
}

TEST(Search, SendsThePictureAndNamesItByItsPath) {
  TempDir dir;
  WriteAll(dir / "a.jpg", "picture");
  FakeServer server;
  server.search = [](const v1::SearchRequest& request,
                     v1::SearchResponse* response) {
    EXPECT_EQ(request.examples(0).image().content(), "picture");
    *response->add_hits() = MakeHit("7", 0.5f);
    return grpc::Status::OK;
  };
  std::string path = (dir / "a.jpg").string();
  Printed printed =
      RunCommand(server, {"search", "--image=" + path, "--format=json"});
  ASSERT_EQ(printed.Lines().size(), 1u);
  EXPECT_EQ(printed.Lines()[0]["query"], path);
  EXPECT_EQ(printed.Lines()[0]["hits"][0]["product_id"], "7");
}

TEST(Search, PrintsTheServersOwnError) {
  FakeServer server;
  server.search = [](const v1::SearchRequest&, v1::SearchResponse*) {
    return Refusal(grpc::StatusCode::NOT_FOUND,
                   v1::ERROR_REASON_UNKNOWN_PRODUCT, "no product 9",
                   "examples[0].product_id");
  };
  Printed printed =
      RunCommand(server, {"search", "--product=9", "--format=json"});
  EXPECT_EQ(printed.exit_status, kFailed);
  EXPECT_EQ(printed.err, "vitrine: no product 9\n");
  Json error = printed.Lines().at(0)["error"];
  EXPECT_EQ(error["reason"], "UNKNOWN_PRODUCT");
  EXPECT_EQ(error["code"], "NOT_FOUND");
  EXPECT_EQ(error["field"], "examples[0].product_id");
}

TEST(Search, UsesTheStreamForAFolder) {
  TempDir dir;
  for (int i = 0; i < 20; ++i) {
    WriteAll(dir / ("p" + std::to_string(10 + i) + ".jpg"), std::to_string(i));
  }
  FakeServer server;
  server.search_stream = [](FakeServer::SearchStreamHalf* stream) {
    v1::SearchStreamRequest request;
    while (stream->Read(&request)) {
      v1::SearchStreamResponse response;
      response.set_batch_id(request.batch_id());
      for (const v1::SearchRequest& query : request.queries()) {
        const std::string& content = query.examples(0).image().content();
        if (content == "5") {
          v1::Error* error = response.add_items()->mutable_error();
          error->set_reason(v1::ERROR_REASON_IMAGE_NOT_DECODABLE);
          error->set_message("no picture");
        } else {
          *response.add_items()->mutable_response()->add_hits() =
              MakeHit(content, 1, true);
        }
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  };
  Printed printed = RunCommand(
      server, {"search", "--image=" + dir.path().string(), "--format=json"});
  EXPECT_EQ(printed.exit_status, kFailed);
  std::vector<Json> lines = printed.Lines();
  ASSERT_EQ(lines.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(lines[i]["query"],
              (dir / ("p" + std::to_string(10 + i) + ".jpg")).string());
    if (i == 5) {
      EXPECT_EQ(lines[i]["error"]["reason"], "IMAGE_NOT_DECODABLE");
    } else {
      EXPECT_EQ(lines[i]["hits"][0]["product_id"], std::to_string(i));
    }
  }
  EXPECT_NE(printed.err.find("p15.jpg: no picture"), std::string::npos);
}

// A program that keeps what it was given.
std::string FakePictures(const TempDir& dir) {
  std::filesystem::path program = dir / "pictures";
  WriteAll(program,
           "#!/bin/sh\nfor a; do case $a in --out=*) cat > ${a#--out=};; esac; "
           "done\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  return program.string();
}

TEST(Search, DescribesTheSheetToTheProgramThatDraws) {
  TempDir dir;
  FakeServer server;
  server.search = [](const v1::SearchRequest& request,
                     v1::SearchResponse* response) {
    EXPECT_TRUE(request.fields().thumbnail());
    *response->add_hits() = MakeHit("7", 0.75f);
    return grpc::Status::OK;
  };
  server.get_image = [](const v1::GetImageRequest& request,
                        v1::GetImageResponse* response) {
    EXPECT_EQ(request.product_id(), "1163");
    response->set_content("jpeg");
    return grpc::Status::OK;
  };
  std::string out = (dir / "sheet.png").string();
  Printed printed = RunCommand(
      server, {"search", "--product=1163", "--sheet=" + out, "--format=json"},
      FakePictures(dir));
  EXPECT_EQ(printed.exit_status, kOk) << printed.err;
  EXPECT_FALSE(printed.Lines()[0]["hits"][0].contains("thumbnail"));
  Json sheet = Json::parse(testing::ReadAll(out));
  EXPECT_EQ(sheet["query"]["label"], "query: 1163");
  EXPECT_EQ(sheet["query"]["images"][0]["jpeg_base64"], "anBlZw==");
  Json hit = sheet["rows"][0]["hits"][0];
  EXPECT_EQ(hit["product_id"], "7");
  EXPECT_EQ(hit["score"], 0.75);
  EXPECT_EQ(hit["same_content"], false);
  EXPECT_FALSE(hit["jpeg_base64"].get<std::string>().empty());
}

TEST(Search, SaysThatTheProgramThatDrawsIsMissing) {
  FakeServer server;
  server.search = [](const v1::SearchRequest&, v1::SearchResponse*) {
    return grpc::Status::OK;
  };
  Printed printed =
      RunCommand(server, {"search", "--product=1", "--sheet=a.png"},
                 "/nonexistent/vitrine-pictures");
  EXPECT_EQ(printed.exit_status, kFailed);
  EXPECT_NE(printed.out.find("1: several partitions"), std::string::npos);
  EXPECT_NE(printed.err.find("/nonexistent/vitrine-pictures"),
            std::string::npos);
}

TEST(Recommend, PrintsBothLists) {
  FakeServer server;
  server.recommend = [](const v1::RecommendRequest& request,
                        v1::RecommendResponse* response) {
    EXPECT_EQ(request.product_id(), "1163");
    *response->add_similar() = MakeHit("7", 0.9f);
    v1::SlotRecommendation* slot = response->add_complements();
    slot->set_slot("shoes");
    *slot->add_hits() = MakeHit("8", 0.8f);
    return grpc::Status::OK;
  };
  TempDir dir;
  std::string out = (dir / "look.png").string();
  Printed printed = RunCommand(
      server,
      {"recommend", "--product=1163", "--format=json", "--sheet=" + out},
      FakePictures(dir));
  Json json = printed.Lines().at(0);
  EXPECT_EQ(json["similar"][0]["product_id"], "7");
  EXPECT_EQ(json["complements"][0]["slot"], "shoes");
  EXPECT_EQ(json["complements"][0]["hits"][0]["product_id"], "8");
  Json sheet = Json::parse(testing::ReadAll(out));
  ASSERT_EQ(sheet["rows"].size(), 2u);
  EXPECT_EQ(sheet["rows"][1]["title"], "shoes");
}

TEST(Embed, PrintsALineAPicture) {
  TempDir dir;
  for (const char* name : {"a.jpg", "b.jpg", "d.jpg"})
    WriteAll(dir / name, name);
  FakeServer server;
  server.embed = [](const v1::EmbedRequest& request,
                    v1::EmbedResponse* response) {
    response->set_model("abc");
    for (const v1::ImageInput& image : request.images()) {
      if (image.content() == "b.jpg") {
        response->add_items()->mutable_error()->set_message("no picture");
      } else {
        response->add_items()->mutable_vector()->add_values(0.1f);
      }
    }
    return grpc::Status::OK;
  };
  auto path = [&dir](const char* name) { return (dir / name).string(); };
  Printed printed =
      RunCommand(server, {"embed", "--image", path("a.jpg"), path("b.jpg"),
                          path("c.jpg"), path("d.jpg")});
  EXPECT_EQ(printed.exit_status, kFailed);
  std::vector<Json> lines = printed.Lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["vector"][0], 0.1);
  EXPECT_EQ(lines[0]["model"], "abc");
  EXPECT_EQ(lines[1]["error"]["message"], "no picture");
  EXPECT_EQ(lines[2]["error"]["reason"], "IMAGE_UNREADABLE");
  EXPECT_EQ(lines[3]["query"], path("d.jpg"));
  EXPECT_TRUE(lines[3].contains("vector"));
}

TEST(Describe, PrintsBothFormats) {
  FakeServer server;
  server.describe_index = [](const v1::DescribeIndexRequest&,
                             v1::DescribeIndexResponse* response) {
    response->set_products(3890);
    return grpc::Status::OK;
  };
  EXPECT_NE(RunCommand(server, {"describe"}).out.find("3,890"),
            std::string::npos);
  EXPECT_EQ(RunCommand(server, {"describe", "--format=json"})
                .Lines()
                .at(0)["products"],
            3890);
}

TEST(Describe, SaysThatTheServerKnowsNoSuchCall) {
  FakeServer server;
  Printed printed = RunCommand(server, {"describe"});
  EXPECT_EQ(printed.exit_status, kFailed);
  EXPECT_NE(printed.err.find("does not know this call"), std::string::npos)
      << printed.err;
}

}  // namespace
}  // namespace vitrine::cli
