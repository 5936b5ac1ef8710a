// Changes messages for libFuzzer field by field: of bytes that are changed at
// random, few are a message that says anything.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/base/utf8.h"

// libFuzzer's own changes of bytes.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace vitrine {

class MessageMutator {
 public:
  // `words` are texts and bytes that mean something in some field; `numbers` is
  // how many a list of numbers should have.
  MessageMutator(unsigned seed, const std::vector<std::string>& words,
                 int numbers)
      : random_(seed), words_(words), numbers_(numbers) {}

  // Changes one thing somewhere in the message.
  void Mutate(google::protobuf::Message* message, int depth = 0) {
    const Descriptor& descriptor = *message->GetDescriptor();
    if (descriptor.field_count() == 0) return;
    const Field& field = *descriptor.field(Draw(descriptor.field_count()));
    if (field.is_repeated()) {
      MutateRepeated(message, field, depth);
      return;
    }
    const Reflection& reflection = *message->GetReflection();
    if (field.type() == Field::TYPE_MESSAGE) {
      if (Draw(8) == 0) return reflection.ClearField(message, &field);
      if (depth < kMaxDepth) {
        Mutate(reflection.MutableMessage(message, &field), depth + 1);
      }
      return;
    }
    if (Draw(6) == 0) return reflection.ClearField(message, &field);
    switch (field.cpp_type()) {
      case Field::CPPTYPE_INT32:
        return reflection.SetInt32(message, &field,
                                   static_cast<int32_t>(DrawInteger()));
      case Field::CPPTYPE_UINT32:
        return reflection.SetUInt32(message, &field,
                                    static_cast<uint32_t>(DrawInteger()));
      case Field::CPPTYPE_INT64:
        return reflection.SetInt64(message, &field, DrawInteger());
      case Field::CPPTYPE_UINT64:
        return reflection.SetUInt64(message, &field,
                                    static_cast<uint64_t>(DrawInteger()));
      case Field::CPPTYPE_FLOAT:
        return reflection.SetFloat(message, &field,
                                   static_cast<float>(DrawNumber()));
      case Field::CPPTYPE_DOUBLE:
        return reflection.SetDouble(message, &field, DrawNumber());
      case Field::CPPTYPE_BOOL:
        return reflection.SetBool(message, &field, Draw(2) == 0);
      case Field::CPPTYPE_ENUM:
        return reflection.SetEnumValue(message, &field, Draw(6) - 1);
      case Field::CPPTYPE_STRING:
        return reflection.SetString(
            message, &field,
            DrawText(reflection.GetString(*message, &field), field));
      case Field::CPPTYPE_MESSAGE:
        return;
    }
  }

 private:
  using Descriptor = google::protobuf::Descriptor;
  using Field = google::protobuf::FieldDescriptor;
  using Reflection = google::protobuf::Reflection;
  static constexpr int kMaxDepth = 12;

  int Draw(int below) {
    return static_cast<int>(random_() % static_cast<unsigned>(below));
  }

  void MutateRepeated(google::protobuf::Message* message, const Field& field,
                      int depth) {
    const Reflection& reflection = *message->GetReflection();
    const int size = reflection.FieldSize(*message, &field);
    const int what = Draw(6);
    if (size > 0 && what == 0) return reflection.RemoveLast(message, &field);
    if (size > 1 && what == 1) {
      return reflection.SwapElements(message, &field, Draw(size), Draw(size));
    }
    const bool adds = size == 0 || what == 2;
    switch (field.cpp_type()) {
      case Field::CPPTYPE_MESSAGE: {
        if (depth >= kMaxDepth) return;
        auto* const one = adds ? reflection.AddMessage(message, &field)
                               : reflection.MutableRepeatedMessage(
                                     message, &field, Draw(size));
        if (adds && size > 0 && Draw(2) == 0) {
          one->CopyFrom(
              reflection.GetRepeatedMessage(*message, &field, Draw(size)));
        }
        return Mutate(one, depth + 1);
      }
      case Field::CPPTYPE_STRING: {
        if (adds) {
          return reflection.AddString(message, &field, DrawText("", field));
        }
        const int i = Draw(size);
        return reflection.SetRepeatedString(
            message, &field, i,
            DrawText(reflection.GetRepeatedString(*message, &field, i), field));
      }
      case Field::CPPTYPE_FLOAT: {
        if (size > 0 && what != 3) {
          return reflection.SetRepeatedFloat(message, &field, Draw(size),
                                             static_cast<float>(DrawNumber()));
        }
        const int wanted = Draw(8) == 0 ? Draw(2 * numbers_) : numbers_;
        reflection.ClearField(message, &field);
        std::normal_distribution<float> draw;
        for (int i = 0; i < wanted; ++i) {
          reflection.AddFloat(message, &field, draw(random_));
        }
        return;
      }
      default:
        return;
    }
  }

  int64_t DrawInteger() {
    constexpr int64_t kTelling[] = {
        0,   1,    2,    3,    10,   16,    64,        100,       256,
        999, 1000, 1001, 4096, 4097, 10000, INT32_MAX, INT64_MAX, -1};
    if (Draw(3) != 0) return kTelling[Draw(std::size(kTelling))];
    const auto drawn = static_cast<int64_t>(random_());
    return drawn >> Draw(63);
  }

  double DrawNumber() {
    constexpr double kTelling[] = {0,
                                   1,
                                   0.5,
                                   0.99,
                                   -1,
                                   2,
                                   1e-30,
                                   1e30,
                                   1000,
                                   1e300,
                                   -0.0,
                                   std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN()};
    if (Draw(2) != 0) return kTelling[Draw(std::size(kTelling))];
    return std::normal_distribution<double>()(random_);
  }

  std::string DrawText(std::string text, const Field& field) {
    if (Draw(2) == 0) {
      text = words_[static_cast<size_t>(Draw(static_cast<int>(words_.size())))];
    } else {
      const size_t size = text.size();
      text.resize(size + 32);
      text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()),
                                   size, text.size()));
    }
    if (field.type() == Field::TYPE_STRING && !IsUtf8(text)) {
      return Latin1ToUtf8(text);
    }
    return text;
  }

  std::mt19937_64 random_;
  const std::vector<std::string>& words_;
  const int numbers_;
};

}  // namespace vitrine
