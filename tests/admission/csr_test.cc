// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/csr.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gh::authz::admission {
namespace {

std::string der(char tag, const std::string& content) {
  return std::string(1, tag) + static_cast<char>(content.size()) + content;
}

std::string name_part(const std::string& oid, char tag, const std::string& value) {
  return der('\x31', der('\x30', der('\x06', oid) + der(tag, value)));
}

std::string common_name(const std::string& value, char tag = '\x0c') {
  return name_part("\x55\x04\x03", tag, value);
}

std::string base64(std::string_view text) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += at + i <= text.size() ? digits[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

std::string pem(const std::string& content) {
  return "-----BEGIN CERTIFICATE REQUEST-----\n" + base64(content) +
         "\n-----END CERTIFICATE REQUEST-----\n";
}

std::string request(const std::string& subject) {
  const std::string info = der(
      '\x30',
      der('\x02', std::string(1, '\0')) + der('\x30', subject) + der('\x30', "") + der('\xa0', "")
  );
  return pem(der('\x30', info + der('\x30', "") + der('\x03', std::string(1, '\0'))));
}

TEST(AdmissionCsr, gives_the_common_name) {
  EXPECT_EQ(csr_common_name(request(common_name("system:node:n1"))), "system:node:n1");
  EXPECT_EQ(csr_common_name(request(common_name("x", '\x13'))), "x");
  EXPECT_EQ(
      csr_common_name(request(name_part("\x55\x04\x0a", '\x0c', "org") + common_name("x"))), "x"
  );
  EXPECT_EQ(csr_common_name(request("")), "");
}

TEST(AdmissionCsr, with_two_names_or_one_of_another_type_is_refused) {
  EXPECT_FALSE(csr_common_name(request(common_name("system:node:n1") + common_name("x"))));
  EXPECT_FALSE(csr_common_name(request(common_name("x", '\x1e'))));
  EXPECT_FALSE(csr_common_name(request(common_name("x", '\x14'))));
}

TEST(AdmissionCsr, must_be_one_pem_block_and_nothing_else) {
  const std::string good = request(common_name("x"));
  EXPECT_TRUE(csr_common_name(good + " \n"));
  for (const std::string& bad :
       {std::string(),
        "text\n" + good,
        good + good,
        good + "x",
        good.substr(0, good.size() - 30),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    const auto read = csr_common_name(bad);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), "PEM block type must be CERTIFICATE REQUEST");
  }
}

TEST(AdmissionCsr, cut_short_or_longer_than_it_says_is_refused) {
  const std::string info =
      der('\x30',
          der('\x02', std::string(1, '\0')) + der('\x30', common_name("x")) + der('\x30', ""));
  const std::string whole = der('\x30', info + der('\x30', "") + der('\x03', std::string(1, '\0')));
  ASSERT_TRUE(csr_common_name(pem(whole)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(csr_common_name(pem(whole.substr(0, size)))) << size;
  }
  EXPECT_FALSE(csr_common_name(pem(whole + "x")));
}

}  // namespace
}  // namespace gh::authz::admission
