// SPDX-License-Identifier: Apache-2.0
// The reader below the vectors: names, times and strict DER by tables.
#include "tls/certificate.h"

#include "tests/support/test_pki.h"
#include "tls/der_reader.h"
#include "tls/name_syntax.h"
#include "tls/trust_store.h"

#include <gtest/gtest.h>

namespace gh::tls {
namespace {

TEST(Certificate, subject_and_names_are_read) {
  test::Options options;
  options.common_name = "alice";
  options.organizations = {"b", "a", "a"};
  options.uids = {"u-1"};
  options.uri_names = {"spiffe://example.org/ns/x"};
  options.dns_names = {"a.test"};
  const auto der = test::Authority("ca").issue(options).der();
  const auto names = parse_peer_certificate(der);
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->common_name, "alice");
  EXPECT_EQ(names->organizations, options.organizations);
  EXPECT_EQ(names->uids, options.uids);
  EXPECT_EQ(names->uri_names, options.uri_names);
  EXPECT_EQ(names->dns_names, options.dns_names);
  EXPECT_EQ(names->not_before.seconds, test::valid_from_seconds);
  EXPECT_EQ(names->not_after.seconds, test::valid_until_seconds);
}

TEST(Certificate, truncated_or_extended_bytes_do_not_parse) {
  const auto der = test::Authority("ca").client("alice", {"dev"}).der();
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_FALSE(parse_certificate(ByteView(der).first(size)).has_value()) << size;
  auto longer = der;
  longer.push_back(0);
  EXPECT_FALSE(parse_certificate(longer).has_value());
}

struct TimeCase {
  std::uint8_t tag;
  std::string text;
  std::int64_t seconds;  // -1: refused
};

class Times : public ::testing::TestWithParam<TimeCase> {};

TEST_P(Times, are_read_as_go_does) {
  std::vector<std::uint8_t> bytes = {
      GetParam().tag, static_cast<std::uint8_t>(GetParam().text.size())
  };
  bytes.insert(bytes.end(), GetParam().text.begin(), GetParam().text.end());
  DerReader reader(bytes);
  UnixTime time{-1};
  const bool good = read_time(reader, time);
  EXPECT_EQ(good ? time.seconds : -1, GetParam().seconds) << GetParam().text;
}

// clang-format off
constexpr std::uint8_t utc = 0x17, general = 0x18;
INSTANTIATE_TEST_SUITE_P(Rfc5280, Times, ::testing::Values(
    TimeCase{utc, "700101000000Z", 0},               TimeCase{utc, "260101000000Z", 1767225600},
    TimeCase{utc, "500101000000Z", -631152000},      TimeCase{utc, "491231235959Z", 2524607999},
    TimeCase{utc, "2601010000Z", 1767225600},        TimeCase{utc, "260101010000+0100", 1767225600},
    TimeCase{utc, "260101000000+0000", -1},          TimeCase{utc, "260101000000-0000", -1},
    TimeCase{utc, "260101000000", -1},               TimeCase{utc, "260101000060Z", -1},
    TimeCase{utc, "260229000000Z", -1},              TimeCase{utc, "240229000000Z", 1709164800},
    TimeCase{utc, "261301000000Z", -1},              TimeCase{utc, "260100000000Z", -1},
    TimeCase{utc, "260101000000.5Z", -1},            TimeCase{utc, "26 101000000Z", -1},
    TimeCase{general, "20260101000000Z", 1767225600}, TimeCase{general, "202601010000Z", -1},
    TimeCase{general, "19700101000000Z", 0},         TimeCase{general, "20260101000000.0Z", -1},
    TimeCase{general, "99991231235959Z", 253402300799}, TimeCase{0x16, "260101000000Z", -1}));
// clang-format on

TEST(DerReader, lengths_must_be_minimal) {
  const auto reads = [](std::vector<std::uint8_t> bytes) {
    ByteView contents;
    return DerReader(bytes).read(der::octet_string, contents);
  };
  EXPECT_TRUE(reads({4, 0}));
  EXPECT_TRUE(reads({4, 1, 9}));
  EXPECT_FALSE(reads({4, 1}));
  EXPECT_FALSE(reads({4, 0x80, 0, 0}));
  EXPECT_FALSE(reads({4, 0x81, 1, 9}));
  EXPECT_FALSE(reads({4, 0x82, 0, 1, 9}));
  EXPECT_FALSE(reads({4, 0x84, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_FALSE(reads({4, 0x85, 0, 0, 0, 0, 1, 9}));
  EXPECT_FALSE(reads({0x1f, 1, 9}));
  EXPECT_FALSE(reads({4}));
}

TEST(DerReader, integers_must_be_minimal) {
  const auto reads = [](std::vector<std::uint8_t> bytes) {
    ByteView contents;
    return DerReader(bytes).read_integer(contents);
  };
  EXPECT_TRUE(reads({2, 1, 0}));
  EXPECT_TRUE(reads({2, 2, 0, 0x80}));
  EXPECT_FALSE(reads({2, 0}));
  EXPECT_FALSE(reads({2, 2, 0, 0x7f}));
  EXPECT_FALSE(reads({2, 2, 0xff, 0x80}));
}

TEST(NameSyntax, domain_names) {
  for (const char* good : {"", "a", "a.b", "A_b", "*.a", "a!"})
    EXPECT_TRUE(domain_name_valid(good, false)) << good;
  for (const char* bad : {".", "a.", ".a", "a..b", "a b", "\x7f"})
    EXPECT_FALSE(domain_name_valid(bad, false)) << bad;
  EXPECT_TRUE(domain_name_valid(".a", true));
  EXPECT_FALSE(domain_name_valid("..a", true));
}

TEST(NameSyntax, uri_hosts) {
  const auto host = [](std::string_view uri) { return parse_uri_host(uri).value_or("(none)"); };
  EXPECT_EQ(host("https://a.test:80/x?y#z"), "a.test:80");
  EXPECT_EQ(host("spiffe://trust/ns"), "trust");
  EXPECT_EQ(host("https://u:p@a.test"), "a.test");
  EXPECT_EQ(host("urn:a:b"), "");
  EXPECT_EQ(host("https://[::1]:80/"), "[::1]:80");
  for (const char* bad :
       {":x",
        "https://a b/",
        "https://a/%zz",
        "https://[::1",
        "https://a:b/",
        "https://a\x01/",
        "1:2",
        "https://%41/"})
    EXPECT_EQ(host(bad), "(none)") << bad;
}

}  // namespace
}  // namespace gh::tls
