// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/certificate_mapping.h"

#include "base/limits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gh::identity {
namespace {

using Part = CertificateRule::Part;
using Names = std::vector<std::string>;

const CertificateRule spiffe_rule = {
    Part::uri,
    "spiffe://example.org/ns/{ns}/sa/{name}",
    "system:serviceaccount:{ns}:{name}",
    {"system:serviceaccounts", "system:serviceaccounts:{ns}"}
};
const CertificateRule dns_rule = {
    Part::dns, "{node}.nodes.example.org", "system:node:{node}", {"system:nodes"}
};
const CertificateRule unit_rule = {
    Part::organizational_unit, "team-{team}", "team:{team}", {"teams"}
};

CertificateMapping made(const std::vector<CertificateRule>& rules) {
  auto mapping = CertificateMapping::make(rules);
  EXPECT_TRUE(mapping) << (mapping ? "" : mapping.error());
  return mapping ? std::move(*mapping) : CertificateMapping();
}

tls::PeerCertificate with_uris(Names uris) {
  tls::PeerCertificate certificate;
  certificate.has_common_name = true;
  certificate.common_name = "cn";
  certificate.organizations = {"system:masters"};
  certificate.uri_names = std::move(uris);
  return certificate;
}

tls::PeerCertificate with_dns(Names names) {
  tls::PeerCertificate certificate;
  certificate.dns_names = std::move(names);
  return certificate;
}

tls::PeerCertificate with_units(Names units) {
  tls::PeerCertificate certificate;
  certificate.organizational_units = std::move(units);
  return certificate;
}

// "user [groups]", "none" or the fault.
std::string outcome(const CertificateMapping& mapping, const tls::PeerCertificate& certificate) {
  const auto result = mapping.apply(certificate);
  if (!result) return std::string(name_of(result.error()));
  if (!*result) return "none";
  std::string out = (*result)->user;
  for (const auto& group : (*result)->groups) out += " " + group;
  return out;
}

std::string said(MappingFault fault) { return std::string(name_of(fault)); }

TEST(CertificateMapping, without_rules_nothing_matches) {
  const CertificateMapping none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(outcome(none, with_uris({"spiffe://example.org/ns/a/sa/b", "spiffe://x/y"})), "none");
}

TEST(CertificateMapping, a_spiffe_id_becomes_a_service_account) {
  const auto mapping = made({spiffe_rule});
  const auto certificate = with_uris({"spiffe://example.org/ns/a/sa/b"});
  EXPECT_EQ(
      outcome(mapping, certificate),
      "system:serviceaccount:a:b system:serviceaccounts system:serviceaccounts:a"
  );
  const auto who = **mapping.apply(certificate);  // the subject counts for nothing
  EXPECT_EQ(who.uid, "");
  ASSERT_EQ(who.extra.size(), 1u);
  EXPECT_EQ(who.extra[0].first, credential_id_key);
}

TEST(CertificateMapping, other_ids_do_not_match) {
  const auto mapping = made({spiffe_rule});
  for (const char* uri :
       {"spiffe://example.com/ns/a/sa/b",
        "spiffe://example.org.evil.com/ns/a/sa/b",
        "spiffe://example.org/ns/a/sa",
        "spiffe://example.org/ns/a/sa/b/c",
        "spiffe://example.org/x/ns/a/sa/b",
        "spiffe://example.org/NS/a/sa/b",
        "spiffe://example.org",
        "https://example.org/ns/a/sa/b",
        "urn:x"})
    EXPECT_EQ(outcome(mapping, with_uris({uri})), "none") << uri;
}

TEST(CertificateMapping, what_only_looks_like_a_spiffe_id_is_refused) {
  const auto mapping = made({spiffe_rule});
  for (const char* uri :
       {"spiffe://example.org/ns/a/sa/b/",
        "spiffe://example.org/ns//sa/b",
        "spiffe://example.org/ns/../sa/b",
        "spiffe://example.org/ns/./sa/b",
        "spiffe://example.org/ns/a%2Fb/sa/c",
        "spiffe://example.org/ns/a:b/sa/c",
        "spiffe://example.org/ns/a/sa/b?x=y",
        "spiffe://example.org/ns/a/sa/b#f",
        "spiffe://example.org:443/ns/a/sa/b",
        "spiffe://u@example.org/ns/a/sa/b",
        "spiffe://Example.org/ns/a/sa/b",
        "SPIFFE://example.org/ns/a/sa/b",
        "spiffe:/example.org/ns/a/sa/b",
        "spiffe:///ns/a/sa/b",
        "spiffe://example.org/ns/\xc3\xa9/sa/b",
        "spiffe://example.org/ns/a b/sa/b"})
    EXPECT_EQ(outcome(mapping, with_uris({uri})), said(MappingFault::bad_spiffe_id)) << uri;
  EXPECT_EQ(
      outcome(mapping, with_uris({"spiffe://example.org/" + std::string(2048, 'a')})),
      said(MappingFault::bad_spiffe_id)
  );
}

TEST(CertificateMapping, several_uris_are_refused_even_if_one_matches) {
  const auto mapping = made({spiffe_rule});
  const char* good = "spiffe://example.org/ns/a/sa/b";
  for (const Names& uris :
       {Names{good, "https://x/"}, Names{"https://x/", good}, Names{good, good}, Names{"a:", "b:"}})
    EXPECT_EQ(outcome(mapping, with_uris(uris)), said(MappingFault::several_uris));
}

TEST(CertificateMapping, a_long_capture_is_refused) {
  const auto mapping = made({spiffe_rule});
  const std::string just(limits::mapping_capture_bytes_max, 'a');
  EXPECT_TRUE(
      outcome(mapping, with_uris({"spiffe://example.org/ns/a/sa/" + just})).ends_with("accounts:a")
  );
  EXPECT_EQ(
      outcome(mapping, with_uris({"spiffe://example.org/ns/a/sa/" + just + "a"})),
      said(MappingFault::unsafe_capture)
  );
}

TEST(CertificateMapping, a_dns_name_becomes_a_node) {
  const auto mapping = made({dns_rule});
  EXPECT_EQ(outcome(mapping, with_dns({"n1.nodes.example.org"})), "system:node:n1 system:nodes");
  EXPECT_EQ(
      outcome(mapping, with_dns({"localhost", "N1.Nodes.Example.ORG"})),
      "system:node:n1 system:nodes"
  );
  for (const char* name :
       {"nodes.example.org",
        "a.n1.nodes.example.org",
        "n1.nodes.example.org.",
        ".nodes.example.org",
        "n1.nodes.example.com",
        "n1xnodes.example.org"})
    EXPECT_EQ(outcome(mapping, with_dns({name})), "none") << name;
  for (const char* name : {"*.nodes.example.org", "a_b.nodes.example.org", "a:b.nodes.example.org"})
    EXPECT_EQ(outcome(mapping, with_dns({name})), said(MappingFault::unsafe_capture)) << name;
  EXPECT_EQ(
      outcome(mapping, with_dns({"n1.nodes.example.org", "n2.nodes.example.org"})),
      said(MappingFault::several_matches)
  );
  EXPECT_EQ(
      outcome(mapping, with_dns({"n1.nodes.example.org", "*.nodes.example.org"})),
      said(MappingFault::several_matches)
  );
  EXPECT_EQ(
      outcome(mapping, with_dns(Names(limits::mapping_names_max + 1, "x"))),
      said(MappingFault::too_many_names)
  );
}

TEST(CertificateMapping, a_unit_is_one_part) {
  const auto mapping = made({unit_rule});
  EXPECT_EQ(outcome(mapping, with_units({"x", "team-a.b_C-1"})), "team:a.b_C-1 teams");
  for (const char* unit : {"team-", "Team-a", "xteam-a", ""})
    EXPECT_EQ(outcome(mapping, with_units({unit})), "none") << unit;
  for (const char* unit : {"team-a b", "team-a:b", "team-a/b", "team-\xff"})
    EXPECT_EQ(outcome(mapping, with_units({unit})), said(MappingFault::unsafe_capture)) << unit;
}

TEST(CertificateMapping, the_first_rule_that_matches_counts) {
  const CertificateRule wide = {Part::uri, "spiffe://example.org/{a}/{b}/{c}/{d}", "wide:{b}", {}};
  const auto certificate = with_uris({"spiffe://example.org/ns/a/sa/b"});
  EXPECT_EQ(outcome(made({wide, spiffe_rule}), certificate), "wide:a");
  EXPECT_TRUE(outcome(made({spiffe_rule, wide}), certificate).starts_with("system:"));
  EXPECT_EQ(outcome(made({unit_rule, wide}), certificate), "wide:a");
  // an earlier rule of another part matches before the URIs are looked at
  auto both = with_uris({"a:", "b:"});
  both.organizational_units = {"team-x"};
  EXPECT_EQ(outcome(made({unit_rule, wide}), both), "team:x teams");
  EXPECT_EQ(outcome(made({wide, unit_rule}), both), said(MappingFault::several_uris));
}

TEST(CertificateMapping, reserved_names_come_only_from_the_rule) {
  const CertificateRule joined = {Part::uri, "spiffe://t/{a}/{b}", "{a}:{b}", {}};
  EXPECT_EQ(outcome(made({joined}), with_uris({"spiffe://t/x/y"})), "x:y");
  EXPECT_EQ(
      outcome(made({joined}), with_uris({"spiffe://t/system/masters"})),
      said(MappingFault::reserved_name)
  );
  const CertificateRule split = {Part::uri, "spiffe://t/{a}", "u", {"sys{a}:x"}};
  EXPECT_EQ(
      outcome(made({split}), with_uris({"spiffe://t/tem"})), said(MappingFault::reserved_name)
  );
  const CertificateRule said_so = {Part::uri, "spiffe://t/{a}", "{a}", {"system:masters"}};
  EXPECT_EQ(outcome(made({said_so}), with_uris({"spiffe://t/root"})), "root system:masters");
}

TEST(CertificateMapping, a_name_that_is_too_long_is_refused) {
  const CertificateRule twice = {Part::uri, "spiffe://t/{a}", "{a}{a}{a}{a}{a}", {}};
  EXPECT_EQ(
      outcome(made({twice}), with_uris({"spiffe://t/" + std::string(250, 'a')})),
      said(MappingFault::name_too_long)
  );
}

TEST(CertificateMapping, bad_rules_are_refused) {
  const std::vector<CertificateRule> bad = {
      {Part::uri, "", "u", {}},
      {Part::uri, "https://example.org/{a}", "u", {}},
      {Part::uri, "spiffe://{a}/x", "u", {}},
      {Part::uri, "spiffe:///x", "u", {}},
      {Part::uri, "spiffe://t/x/", "u", {}},
      {Part::uri, "spiffe://t//x", "u", {}},
      {Part::uri, "spiffe://t/{a}{b}", "u", {}},
      {Part::uri, "spiffe://t/{a}/{a}", "u", {}},
      {Part::uri, "spiffe://t/{a", "u", {}},
      {Part::uri, "spiffe://t/a}", "u", {}},
      {Part::uri, "spiffe://t/}a{", "u", {}},
      {Part::uri, "spiffe://t/{}", "u", {}},
      {Part::uri, "spiffe://t/{A}", "u", {}},
      {Part::uri, "spiffe://t/*", "u", {}},
      {Part::uri, "spiffe://t/a%20b", "u", {}},
      {Part::uri, "spiffe://t/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "u", {}},
      {Part::dns, "*.example.org", "u", {}},
      {Part::dns, "A.example.org", "u", {}},
      {Part::dns, "a..b", "u", {}},
      {Part::organizational_unit, "a{b", "u", {}},
      {Part::organizational_unit, "\xc3\xa9", "u", {}},
      {Part::organizational_unit, std::string(limits::mapping_text_bytes_max + 1, 'a'), "u", {}},
      {Part::dns, "{a}.x", "", {}},
      {Part::dns, "{a}.x", "{b}", {}},
      {Part::dns, "{a}.x", "{a", {}},
      {Part::dns, "{a}.x", "a}", {}},
      {Part::dns, "{a}.x", " u", {}},
      {Part::dns, "{a}.x", "u\n", {}},
      {Part::dns, "{a}.x", "u", {""}},
      {Part::dns, "{a}.x", "system:{a}", {}},
      {Part::dns, "{a}.x", "system:x{a}", {}},
      {Part::dns, "{a}.x", "u", {"system:{a}"}},
      {Part::dns, "{a}.x", "u", Names(limits::mapping_groups_max + 1, "g")},
  };
  for (const auto& rule : bad)
    EXPECT_FALSE(CertificateMapping::make({&rule, 1})) << rule.pattern << " " << rule.user;
  const std::vector<CertificateRule> many(limits::mapping_rules_max + 1, unit_rule);
  EXPECT_FALSE(CertificateMapping::make(many));
}

}  // namespace
}  // namespace gh::identity
