// SPDX-License-Identifier: Apache-2.0
#include "tls/trust_store.h"

#include "base/limits.h"
#include "tests/tls/handshake_fixture.h"

#include <gtest/gtest.h>

namespace gh::tls {
namespace {

using test::Authority;
using test::Options;
using test::Usage;

struct Judge {
  std::shared_ptr<const TrustStore> store;
  VerifyRequest request{.now = test_now};
  std::string why;

  TlsError operator()(const std::vector<std::vector<std::uint8_t>>& chain) {
    const std::vector<ByteView> views(chain.begin(), chain.end());
    const auto verified = store->verify(views, request, &why);
    return verified ? TlsError::none : verified.error();
  }

  TlsError operator()(const test::Issued& leaf) { return (*this)(leaf.chain_der()); }
};

Judge client_judge(const Authority& ca) { return {trust_of(ca.pem()), {.now = test_now}, {}}; }

Judge server_judge(const Authority& ca, std::string_view name = {}) {
  return {trust_of(ca.pem()), {.purpose = Purpose::server, .now = test_now, .name = name}, {}};
}

// ---- paths ----

TEST(TrustStore, intermediates_may_come_in_any_order_and_with_strangers) {
  const Authority root("root"), other("other");
  const auto first = root.intermediate("i1"), second = first.intermediate("i2");
  const auto leaf = second.client("alice");
  auto judge = client_judge(root);
  EXPECT_EQ(judge({leaf.der(), first.der(), second.der()}), TlsError::none);
  EXPECT_EQ(
      judge({leaf.der(), other.der(), second.der(), leaf.der(), first.der()}), TlsError::none
  );
  EXPECT_EQ(judge({leaf.der(), second.der()}), TlsError::unknown_authority);
}

TEST(TrustStore, leaf_in_the_bundle_is_trusted_but_its_usage_and_time_count) {
  Options options;
  options.common_name = "alice";
  const auto alice = test::self_signed(options);
  Judge judge{trust_of(alice.pem()), {.now = test_now}, {}};
  EXPECT_EQ(judge(alice), TlsError::none);
  judge.request.now = {test::valid_until_seconds + 1};
  EXPECT_EQ(judge(alice), TlsError::expired);
  options.usage = Usage::server;
  const auto server = test::self_signed(options);
  judge = {trust_of(server.pem()), {.now = test_now}, {}};
  EXPECT_EQ(judge(server), TlsError::bad_usage);
}

TEST(TrustStore, path_length_is_counted_in_intermediates) {
  const Authority root("root", Options{.path_length = 1});
  const auto one = root.intermediate("one"), two = one.intermediate("two");
  auto judge = client_judge(root);
  EXPECT_EQ(judge(one.client("a")), TlsError::none);
  EXPECT_EQ(judge(two.client("a")), TlsError::certificate_other);
}

TEST(TrustStore, client_certificate_cannot_issue_others) {
  const Authority root("root");
  Options fake;
  fake.common_name = "alice";

  // An ordinary certificate's key signs another one: what an attacker with a client certificate
  // would try.
  struct Attempt {
    static std::vector<std::vector<std::uint8_t>> chain(const Authority& root) {
      auto sub = root.intermediate("alice", Options{.path_length = 0});
      return sub.intermediate("mallory-ca").client("root").chain_der();
    }
  };

  auto judge = client_judge(root);
  EXPECT_EQ(judge(Attempt::chain(root)), TlsError::certificate_other);
}

TEST(TrustStore, expired_root_and_intermediate_are_refused) {
  const Authority old("old", Options{.not_after = test::now_seconds - 1});
  EXPECT_EQ(client_judge(old)(old.client("a")), TlsError::expired);
  const Authority root("root");
  const auto stale = root.intermediate("stale", Options{.not_after = test::now_seconds - 1});
  EXPECT_EQ(client_judge(root)(stale.client("a")), TlsError::expired);
}

TEST(TrustStore, usage_is_nested_along_the_path) {
  const Authority root("root");
  const auto servers = root.intermediate("servers", Options{.usage = Usage::server});
  EXPECT_EQ(client_judge(root)(servers.client("a")), TlsError::bad_usage);
  Options any;
  any.usage = Usage::any;
  any.common_name = "a";
  EXPECT_EQ(client_judge(root)(root.issue(any)), TlsError::none);
  any.usage = Usage::code_signing;
  EXPECT_EQ(client_judge(root)(root.issue(any)), TlsError::bad_usage);
  any.usage = Usage::none;
  EXPECT_EQ(client_judge(root)(root.issue(any)), TlsError::none);
}

TEST(TrustStore, unknown_critical_extensions_are_refused_anywhere) {
  const Authority root("root");
  Options odd{.common_name = "a"};
  odd.unknown_critical = true;
  EXPECT_EQ(client_judge(root)(root.issue(odd)), TlsError::certificate_other);
  EXPECT_EQ(
      client_judge(root)(root.intermediate("i", odd).client("a")), TlsError::certificate_other
  );
}

TEST(TrustStore, sha1_signatures_and_small_rsa_keys_are_refused) {
  const Authority root("root");
  EXPECT_EQ(
      client_judge(root)(root.issue(Options{.common_name = "a", .sha1 = true})),
      TlsError::unknown_authority
  );
  const Authority rsa("rsa", Options{.key = test::KeyKind::rsa2048});
  EXPECT_EQ(client_judge(rsa)(rsa.client("a")), TlsError::none);
  EXPECT_EQ(
      client_judge(rsa)(rsa.issue(Options{.common_name = "a", .sha1 = true})),
      TlsError::unknown_authority
  );
}

TEST(TrustStore, authority_of_the_same_name_with_another_key_signs_nothing_here) {
  const Authority real("ca"), impostor("ca");
  auto judge = client_judge(real);
  EXPECT_EQ(judge(impostor.client("alice")), TlsError::unknown_authority);
  EXPECT_EQ(judge({impostor.client("alice").der(), impostor.der()}), TlsError::unknown_authority);
}

TEST(TrustStore, signature_with_any_bit_flipped_is_refused) {
  const Authority root("root");
  auto judge = client_judge(root);
  const auto good = root.client("alice").der();
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] ^= static_cast<std::uint8_t>(1u << at % 8);
    EXPECT_NE(judge({bad}), TlsError::none) << at;
  }
}

TEST(TrustStore, chain_that_branches_costs_a_bounded_number_of_checks) {
  const Authority root("root");
  // Ten authorities of one name, each signed by another of that name: every order of them would be
  // a path.
  std::vector<std::vector<std::uint8_t>> chain;
  auto at = root.intermediate("same");
  chain.push_back(at.client("alice").der());
  for (std::size_t i = 1; i < limits::client_chain_max; ++i) {
    auto next = at.intermediate("same");
    chain.push_back(next.der());
    at = next;
  }
  Judge judge{trust_of(Authority("stranger").pem()), {.now = test_now}, {}};
  EXPECT_NE(judge(chain), TlsError::none);
}

TEST(TrustStore, empty_and_overlong_chains_are_refused) {
  const Authority root("root");
  auto judge = client_judge(root);
  EXPECT_EQ(judge(std::vector<std::vector<std::uint8_t>>{}), TlsError::no_certificate);
  EXPECT_EQ(
      judge(std::vector<std::vector<std::uint8_t>>(
          limits::client_chain_max + 1, root.client("a").der()
      )),
      TlsError::chain_too_long
  );
}

TEST(TrustStore, nobody_trusts_nobody) {
  const Authority root("root");
  Judge judge{TrustStore::nobody(), {.now = test_now}, {}};
  EXPECT_EQ(judge(root.client("a")), TlsError::unknown_authority);
  EXPECT_FALSE(judge.why.empty());
}

// ---- names ----

struct NameCase {
  const char* pattern;
  const char* host;
  bool matches;
};

class Hosts : public ::testing::TestWithParam<NameCase> {};

TEST_P(Hosts, are_matched_as_go_does) {
  const Authority root("root");
  Options options{.common_name = "x", .dns_names = {GetParam().pattern}};
  EXPECT_EQ(
      server_judge(root, GetParam().host)(root.issue(options)),
      GetParam().matches ? TlsError::none : TlsError::name_mismatch
  );
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Names, Hosts, ::testing::Values(
    NameCase{"a.example.com", "a.example.com", true},   NameCase{"a.example.com", "A.EXAMPLE.COM", true},
    NameCase{"a.example.com", "a.example.com.", true},  NameCase{"a.example.com", "b.example.com", false},
    NameCase{"*.example.com", "a.example.com", true},   NameCase{"*.example.com", "a.b.example.com", false},
    NameCase{"*.example.com", "example.com", false},    NameCase{"*.example.com", ".example.com", false},
    NameCase{"a*.example.com", "ab.example.com", false}, NameCase{"*", "a", false},
    NameCase{"*.*.com", "a.b.com", false},              NameCase{"a.*.com", "a.b.com", false},
    NameCase{"a_b.example.com", "a_b.example.com", true}, NameCase{"127.0.0.1", "127.0.0.1", false}));
// clang-format on

TEST(TrustStore, ip_addresses_match_ip_names_only) {
  const Authority root("root");
  const auto server = root.server("api.test", {"10.0.0.1", "fd00::1"});
  for (const char* good :
       {"10.0.0.1", "[10.0.0.1]", "fd00::1", "[fd00::1]", "FD00:0::1", "::ffff:10.0.0.1"}) {
    EXPECT_EQ(server_judge(root, good)(server), TlsError::none) << good;
  }
  for (const char* bad : {"10.0.0.2", "fd00::2", "10.0.0.1.", "010.0.0.1"}) {
    EXPECT_EQ(server_judge(root, bad)(server), TlsError::name_mismatch) << bad;
  }
}

TEST(TrustStore, common_name_is_no_server_name) {
  const Authority root("root");
  EXPECT_EQ(
      server_judge(root, "api.test")(root.issue(Options{.common_name = "api.test"})),
      TlsError::name_mismatch
  );
}

struct ConstraintCase {
  const char* constraints;
  const char* kind;  // DNS IP URI email
  const char* name;
  bool permitted;
};

class Constraints : public ::testing::TestWithParam<ConstraintCase> {};

TEST_P(Constraints, bind_what_is_below) {
  const auto& c = GetParam();
  const Authority root("root");
  const auto bound = root.intermediate("bound", Options{.name_constraints = c.constraints});
  Options leaf{.common_name = "x"};
  const std::string kind = c.kind;
  (kind == "DNS"   ? leaf.dns_names
   : kind == "IP"  ? leaf.ip_names
   : kind == "URI" ? leaf.uri_names
                   : leaf.mail_names) = {c.name};
  auto judge = client_judge(root);
  EXPECT_EQ(judge(bound.issue(leaf)), c.permitted ? TlsError::none : TlsError::certificate_other)
      << c.constraints << " " << c.name << " " << judge.why;
  EXPECT_EQ(
      judge(bound.intermediate("below").issue(leaf)),
      c.permitted ? TlsError::none : TlsError::certificate_other
  );
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rfc5280, Constraints, ::testing::Values(
    ConstraintCase{"permitted;DNS:example.com", "DNS", "example.com", true},
    ConstraintCase{"permitted;DNS:example.com", "DNS", "a.example.com", true},
    ConstraintCase{"permitted;DNS:example.com", "DNS", "A.EXAMPLE.COM", true},
    ConstraintCase{"permitted;DNS:example.com", "DNS", "aexample.com", false},
    ConstraintCase{"permitted;DNS:.example.com", "DNS", "example.com", false},
    ConstraintCase{"permitted;DNS:.example.com", "DNS", "a.example.com", true},
    ConstraintCase{"permitted;DNS:example.com", "IP", "10.0.0.1", true},
    ConstraintCase{"excluded;DNS:bad.example.com", "DNS", "good.example.com", true},
    ConstraintCase{"excluded;DNS:bad.example.com", "DNS", "x.bad.example.com", false},
    ConstraintCase{"excluded;DNS:bad.example.com", "DNS", "*.example.com", false},
    ConstraintCase{"permitted;DNS:example.com,excluded;DNS:bad.example.com", "DNS", "bad.example.com", false},
    ConstraintCase{"permitted;IP:10.0.0.0/255.0.0.0", "IP", "10.200.0.1", true},
    ConstraintCase{"permitted;IP:10.0.0.0/255.0.0.0", "IP", "11.0.0.1", false},
    ConstraintCase{"permitted;IP:10.0.0.0/255.0.0.0", "IP", "fd00::1", false},
    ConstraintCase{"excluded;IP:10.0.0.0/255.0.0.0", "IP", "10.0.0.1", false},
    ConstraintCase{"excluded;IP:10.0.0.0/255.0.0.0", "IP", "11.0.0.1", true},
    ConstraintCase{"permitted;email:example.com", "email", "a@example.com", true},
    ConstraintCase{"permitted;email:a@example.com", "email", "a@EXAMPLE.com", true},
    ConstraintCase{"permitted;email:a@example.com", "email", "A@example.com", false},
    ConstraintCase{"permitted;email:example.com", "email", "a@example.org", false},
    ConstraintCase{"permitted;URI:example.com", "URI", "https://a.example.com:8080/x", true},
    ConstraintCase{"permitted;URI:example.com", "URI", "https://example.org/", false},
    ConstraintCase{"permitted;URI:example.com", "URI", "https://10.0.0.1/", false},
    ConstraintCase{"permitted;URI:example.com", "URI", "spiffe://example.com/ns/a", true}));
// clang-format on

// ---- revocation ----

TEST(TrustStore, revoked_leaf_and_revoked_intermediate_are_refused) {
  const Authority root("root");
  const auto between = root.intermediate("between");
  const auto alice = root.client("alice"), bob = between.client("bob");
  Judge judge{trust_of(root.pem(), root.crl_pem({alice})), {.now = test_now}, {}};
  EXPECT_EQ(judge(alice), TlsError::revoked);
  EXPECT_EQ(judge(bob), TlsError::none);
  judge.store = trust_of(root.pem(), root.crl_pem({between.certificate()}));
  EXPECT_EQ(judge(bob), TlsError::revoked);
  judge.store = trust_of(root.pem(), root.crl_pem({}) + between.crl_pem({bob}));
  EXPECT_EQ(judge(bob), TlsError::revoked);
  EXPECT_EQ(judge(alice), TlsError::none);
}

TEST(TrustStore, list_of_an_impostor_is_a_fault) {
  const Authority root("root"), impostor("root");
  const auto store = TrustStore::from_pem(root.pem(), impostor.crl_pem({}), "ca.pem", "crl.pem");
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().where, "crl.pem");
}

TEST(TrustStore, list_of_another_intermediate_of_that_name_does_not_apply) {
  const Authority root("root");
  const auto mine = root.intermediate("between"), other = root.intermediate("between");
  const auto bob = mine.client("bob");
  Judge judge{trust_of(root.pem(), other.crl_pem({bob})), {.now = test_now}, {}};
  EXPECT_EQ(judge(bob), TlsError::none);
}

// ---- epochs, bundles ----

TEST(TrustStore, epoch_depends_on_content_not_on_order_or_repeats) {
  const Authority a("a"), b("b");
  const auto epoch = [](const std::string& pem, const std::string& crl = {}) {
    return trust_of(pem, crl)->full_epoch();
  };
  EXPECT_EQ(epoch(a.pem() + b.pem()), epoch(b.pem() + "comment\n" + a.pem() + b.pem()));
  EXPECT_NE(epoch(a.pem()), epoch(a.pem() + b.pem()));
  EXPECT_NE(epoch(a.pem()), epoch(a.pem(), a.crl_pem({})));
  EXPECT_NE(trust_of(a.pem())->epoch(), trust_of(b.pem())->epoch());
  EXPECT_EQ(trust_of(a.pem() + a.pem())->authorities(), 1u);
}

TEST(TrustStore, bundle_faults_name_the_file) {
  const Authority a("a");
  const std::string damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  for (const std::string& pem :
       {std::string(),
        std::string("hello"),
        a.certificate().key_pem(),
        damaged,
        a.pem() + damaged,
        a.pem().substr(0, 200)}) {
    const auto store = TrustStore::from_pem(pem, {}, "ca.pem");
    ASSERT_FALSE(store.has_value()) << pem;
    EXPECT_EQ(store.error().where, "ca.pem");
  }
  EXPECT_FALSE(TrustStore::load("/nonexistent/ca.pem").has_value());
  EXPECT_FALSE(TrustStore::from_pem(a.pem(), "not a list", "ca.pem", "crl.pem").has_value());
}

TEST(TrustStore, expired_authorities_are_warned_of) {
  const Authority old("old", Options{.not_after = test::now_seconds - 1}), good("good");
  const auto warnings = trust_of(old.pem() + good.pem())->warnings(test_now);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("\"old\""), std::string::npos);
}

}  // namespace
}  // namespace gh::tls
