// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/scalars.h"

#include <gtest/gtest.h>

#include <utility>

namespace gh::authz::admission {
namespace {

TEST(AdmissionQuantity, equal_amounts_are_equal_texts) {
  const std::pair<std::string_view, std::string_view> same[] = {
      {"1Gi", "1024Mi"},
      {"1Gi", "1073741824"},
      {"1k", "1000"},
      {"1500m", "1.5"},
      {"1e3", "1k"},
      {"1E3", "1000.0"},
      {"0", "0.0"},
      {"-0", "0Gi"},
      {"+5", "5"},
      {".5", "500m"},
      {"5.", "5"},
      {"1.5Gi", "1536Mi"},
      {"1000000000n", "1"},
      {"007", "7"},
      {"1Ei", "1024Pi"},
      {"-1.50", "-1500m"},
  };
  for (const auto& [one, other] : same) {
    EXPECT_EQ(canonical_quantity(one), canonical_quantity(other)) << one << " " << other;
    EXPECT_TRUE(canonical_quantity(one)) << one;
  }
  EXPECT_NE(canonical_quantity("1Gi"), canonical_quantity("1G"));
  EXPECT_NE(canonical_quantity("1"), canonical_quantity("-1"));
}

TEST(AdmissionQuantity, what_cannot_be_told_exactly_equals_only_itself) {
  EXPECT_EQ(canonical_quantity("0.0000000001"), "as written: 0.0000000001");
  EXPECT_EQ(
      canonical_quantity("123456789012345678901234567890"),
      "as written: 123456789012345678901234567890"
  );
}

TEST(AdmissionQuantity, what_is_none_is_refused) {
  for (const std::string_view text :
       {"", "x", "1x", "1 Gi", "--1", "1ki", "Gi", ".", "1e", "1e+x"}) {
    EXPECT_FALSE(canonical_quantity(text)) << text;
  }
}

TEST(AdmissionTime, equal_moments_are_equal_texts) {
  EXPECT_EQ(canonical_time("2024-01-01T00:00:00Z"), "1704067200");
  EXPECT_EQ(canonical_time("2024-01-01T01:30:00+01:30"), "1704067200");
  EXPECT_EQ(canonical_time("2023-12-31T23:00:00.000-01:00"), "1704067200");
  EXPECT_EQ(canonical_time("2024-01-01T00:00:00.50Z"), "1704067200.5");
  EXPECT_EQ(canonical_time("0001-01-01T00:00:00Z"), "");
  for (const std::string_view text :
       {"",
        "2024-01-01",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00Zx",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00.Z"}) {
    EXPECT_FALSE(canonical_time(text)) << text;
  }
}

TEST(AdmissionBase64, is_standard_and_padded) {
  EXPECT_EQ(from_base64("aGVsbG8="), "hello");
  EXPECT_EQ(from_base64(""), "");
  for (const std::string_view text : {"aGVsbG8", "aGV=bG8=", "a===", "aG\nVsbG8=", "aGVsbG8_"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

}  // namespace
}  // namespace gh::authz::admission
