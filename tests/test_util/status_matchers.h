// Assertions on absl::Status and absl::StatusOr.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status.h"

namespace vitrine {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

}  // namespace vitrine

#define ASSERT_OK(expr)                                  \
  do {                                                   \
    const auto& vitrine_value = (expr);                  \
    ASSERT_TRUE(::vitrine::StatusOf(vitrine_value).ok()) \
        << ::vitrine::StatusOf(vitrine_value);           \
  } while (false)
#define EXPECT_OK(expr)                                  \
  do {                                                   \
    const auto& vitrine_value = (expr);                  \
    EXPECT_TRUE(::vitrine::StatusOf(vitrine_value).ok()) \
        << ::vitrine::StatusOf(vitrine_value);           \
  } while (false)

// ASSERT_OK_AND_ASSIGN(auto x, F()): x = *F(), or fails with its status.
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL(VITRINE_CONCAT(vitrine_or_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  ASSERT_TRUE(tmp.ok()) << tmp.status();          \
  lhs = std::move(tmp).value()

// The code is `code` and the message contains `text`.
#define EXPECT_STATUS(expr, expected_code, text)                           \
  do {                                                                     \
    const auto& vitrine_value = (expr);                                    \
    EXPECT_EQ(::vitrine::StatusOf(vitrine_value).code(), expected_code)    \
        << ::vitrine::StatusOf(vitrine_value);                             \
    EXPECT_THAT(std::string(::vitrine::StatusOf(vitrine_value).message()), \
                ::testing::HasSubstr(text));                               \
  } while (false)
