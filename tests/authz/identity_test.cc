// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/identity.h"

#include "authz/identity/encode.h"
#include "authz/identity/from_certificate.h"
#include "authz/identity/from_front_proxy.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gh::identity {
namespace {

tls::PeerCertificate certificate(std::string name) {
  tls::PeerCertificate out;
  out.has_common_name = true;
  out.common_name = std::move(name);
  out.fingerprint[0] = 0xab;
  return out;
}

TEST(FromCertificate, names_groups_uid_and_credential_come_as_kubernetes_has_them) {
  auto given = certificate("alice");
  given.organizations = {"b", "", "b", "system:masters"};
  given.uids = {"42"};
  const auto who = from_certificate(given);
  ASSERT_TRUE(who && *who);
  EXPECT_EQ((*who)->user, "alice");
  EXPECT_EQ((*who)->uid, "42");
  EXPECT_EQ((*who)->groups, (std::vector<std::string>{"b", "", "b", "system:masters"}));
  ASSERT_EQ((*who)->extra.size(), 1U);
  EXPECT_EQ((*who)->extra[0].first, "authentication.kubernetes.io/credential-id");
  EXPECT_EQ((*who)->extra[0].second[0], "X509SHA256=ab" + std::string(62, '0'));
}

TEST(FromCertificate, without_a_common_name_there_is_no_opinion) {
  const auto who = from_certificate(certificate(""));
  ASSERT_TRUE(who);
  EXPECT_FALSE(*who);
}

TEST(FromCertificate, a_doubtful_uid_is_refused) {
  auto given = certificate("alice");
  given.uids = {"1", "1"};
  EXPECT_EQ(from_certificate(given).error(), CertificateFault::several_uids);
  given.uids = {""};
  EXPECT_EQ(from_certificate(given).error(), CertificateFault::empty_uid);
}

TEST(Identity, authenticated_is_added_once_and_never_to_the_anonymous) {
  EXPECT_EQ(
      with_authenticated_group({"a", "", {"g"}, {}}).groups,
      (std::vector<std::string>{"g", "system:authenticated"})
  );
  EXPECT_EQ(
      with_authenticated_group({"a", "", {"system:authenticated", "g"}, {}}).groups.size(), 2U
  );
  EXPECT_EQ(with_authenticated_group({"a", "", {"system:unauthenticated"}, {}}).groups.size(), 1U);
  EXPECT_EQ(with_authenticated_group({"system:anonymous", "", {"g"}, {}}).groups.size(), 1U);
  EXPECT_EQ(anonymous().user, "system:anonymous");
  EXPECT_EQ(anonymous().groups, std::vector<std::string>{"system:unauthenticated"});
}

struct Field {
  std::string name;
  std::string value;
};

// What an API server with the usual --requestheader-… flags reads from what we send.
std::optional<Identity> sent_and_read(const Identity& who) {
  std::vector<Field> fields;
  encode(who, [&](std::string_view name, std::string_view value) {
    // Outer blanks are lost on the wire.
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    fields.push_back({std::string(name), std::string(value)});
  });
  const FrontProxy proxy(
      {{"X-Remote-User"}, {"X-Remote-Uid"}, {"X-Remote-Group"}, {"X-Remote-Extra-"}, {}}
  );
  return proxy.identify(fields);
}

TEST(Encode, what_is_forwardable_is_read_back_unchanged) {
  for (const Identity& who : std::vector<Identity>{
           {"alice", "", {}, {}},
           {"a b\tc,d", "1 2", {"z", "a", "z", "a, b"}, {{"k", {"", "v"}}}},
           {"\xc3\xa9lise \xff",
            "",
            {"\xff"},
            {{"", {"x"}}, {"a%2f/b c", {"1", "1"}}, {"\xc3\xa9", {"y"}}}},
           {"system:node:n",
            "",
            {"system:nodes", "system:masters"},
            {{"authentication.kubernetes.io/credential-id", {"X509SHA256=0"}}}},
       }) {
    EXPECT_TRUE(forwardable(who)) << who.user;
    const auto read = sent_and_read(who);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, who);
  }
}

TEST(Encode, what_would_be_read_differently_is_refused_with_a_reason) {
  const std::pair<Identity, const char*> rows[] = {
      {{"", "", {}, {}}, "the user name is empty"},
      {{" alice", "", {}, {}},
       "the user name \" alice\" has a space or tab at an end and cannot be passed on unchanged in "
       "a header"},
      {{"alice\t", "", {}, {}},
       "the user name \"alice\\x09\" has a space or tab at an end and cannot be passed on "
       "unchanged in a header"},
      {{"al\nice", "", {}, {}},
       "the user name \"al\\x0aice\" has a control character and cannot be passed on unchanged in "
       "a header"},
      {{std::string("a\0b", 3), "", {}, {}},
       "the user name \"a\\x00b\" has a control character and cannot be passed on unchanged in a "
       "header"},
      {{"a", "\x7f", {}, {}},
       "the uid \"\\x7f\" has a control character and cannot be passed on unchanged in a header"},
      {{"a", "", {"g", ""}, {}},
       "a group name is empty, and the API server drops empty groups given in headers"},
      {{"a", "", {"g "}, {}},
       "the group \"g \" has a space or tab at an end and cannot be passed on unchanged in a header"
      },
      {{"a", "", {}, {{"Key", {"v"}}}},
       "the extra key \"Key\" has capital letters and cannot be passed on unchanged in a header "
       "name"},
      {{"a", "", {}, {{"k", {}}}}, "the extra key \"k\" has no value and would be lost in headers"},
      {{"a", "", {}, {{"k", {"\r"}}}},
       "the value of extra key \"k\" \"\\x0d\" has a control character and cannot be passed on "
       "unchanged in a header"},
  };
  for (const auto& [who, reason] : rows) {
    const auto passes = forwardable(who);
    ASSERT_FALSE(passes) << reason;
    EXPECT_EQ(passes.error(), reason);
  }
}

TEST(Encode, extra_keys_are_percent_encoded_as_client_go_does) {
  EXPECT_EQ(encoded_extra_name("a b%c/d"), "x-remote-extra-a%20b%25c%2fd");
  EXPECT_EQ(encoded_extra_name("!#$&'*+-.^_`|~09z"), "x-remote-extra-!#$&'*+-.^_`|~09z");
  EXPECT_EQ(encoded_extra_name(std::string_view("\r\n\0:", 4)), "x-remote-extra-%0d%0a%00%3a");
}

const FrontProxyConfig usual = {
    {"X-Remote-User"}, {"X-Remote-Uid"}, {"X-Remote-Group"}, {"X-Remote-Extra-"}, {"proxy"}
};

TEST(FrontProxy, an_empty_first_user_field_hides_the_second) {
  const FrontProxy proxy(usual);
  EXPECT_FALSE(proxy.identify(std::vector<Field>{{"x-remote-user", ""}, {"x-remote-user", "bob"}}));
  EXPECT_FALSE(proxy.identify(std::vector<Field>{{"x_remote_user", "bob"}}));
  EXPECT_FALSE(proxy.identify(std::vector<Field>{}));
}

TEST(FrontProxy, only_the_configured_names_are_identity_headers) {
  const FrontProxy proxy(usual);
  for (const char* name :
       {"x-remote-user", "x-remote-uid", "x-remote-group", "x-remote-extra-", "x-remote-extra-a"}) {
    EXPECT_TRUE(proxy.is_identity_header(name)) << name;
  }
  for (const char* name : {"x-remote-extra", "x-remote-users", "x-remote", "authorization"}) {
    EXPECT_FALSE(proxy.is_identity_header(name)) << name;
  }
}

TEST(FrontProxy, allowed_names_are_exact) {
  EXPECT_TRUE(FrontProxy(usual).allows("proxy"));
  EXPECT_FALSE(FrontProxy(usual).allows("Proxy"));
  EXPECT_FALSE(FrontProxy(usual).allows(""));
  FrontProxyConfig any = usual;
  any.allowed_names.clear();
  EXPECT_TRUE(FrontProxy(any).allows("whoever"));
}

}  // namespace
}  // namespace gh::identity
