// SPDX-License-Identifier: Apache-2.0
#include "control/reloader.h"

#include "tests/control/temporary_folder.h"
#include "tests/control/test_certificates.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace gh::control {
namespace {

namespace fs = std::filesystem;

std::string policy_for(std::string_view user) {
  return "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
         "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]\n---\n"
         "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\n"
         "subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: " +
         std::string(user) +
         "}]\n"
         "roleRef: {kind: ClusterRole, name: r, apiGroup: rbac.authorization.k8s.io}\n";
}

class ReloaderTest : public testing::Test {
 protected:
  static constexpr UnixTime now{1'800'000'000};
  static constexpr std::size_t workers = 2;

  ReloaderTest() {
    config_.tls_cert_file = folder_.write("tls.crt", pem::server_crt);
    config_.tls_private_key_file = folder_.write("tls.key", pem::server_key);
    config_.client_ca_file = folder_.write("ca.crt", pem::ca_crt);
    config_.upstream = {
        {"https://localhost:1", {"localhost", 1}, true},
        {"http://localhost:2", {"localhost", 2}, false}
    };
    config_.upstream_ca_file = folder_.write("upstream-ca.crt", pem::ca_crt);
    config_.proxy_client_cert_file = folder_.write("proxy.crt", pem::proxy_crt);
    config_.proxy_client_key_file = folder_.write("proxy.key", pem::proxy_key);
    folder_.write("policy/p.yaml", policy_for("alice"));
    config_.policy = {folder_.at("policy")};
  }

  void make() { reloader_ = std::make_unique<Reloader>(config_, workers, shared_, status_, log_); }

  std::vector<Fault> start() {
    make();
    return reloader_->start(now);
  }

  void started() {
    const auto faults = start();
    ASSERT_TRUE(faults.empty()) << faults[0].to_string();
  }

  bool may(const char* user) {
    const auto* snapshot = shared_.policy.read();
    identity::Identity who;
    who.user = user;
    authz::Attributes what;
    what.resource_request = true;
    what.verb = "get";
    what.resource = "pods";
    return snapshot != nullptr &&
           snapshot->table.decide(snapshot->table.resolve(who), what).decision ==
               authz::Decision::allow;
  }

  std::string log_text() {
    std::string text;
    while (const auto line = log_.pop()) text += line->text + "\n";
    return text;
  }

  TemporaryFolder folder_;
  Config config_;
  worker::Shared shared_;
  Status status_;
  LogQueue log_;
  std::unique_ptr<Reloader> reloader_;
};

TEST_F(ReloaderTest, the_start_publishes_policy_and_a_context_for_each_worker_and_replica) {
  started();
  EXPECT_TRUE(may("alice"));
  EXPECT_FALSE(may("bob"));
  EXPECT_EQ(shared_.policy.read()->generation, 1u);
  const auto* tls = shared_.tls.read();
  ASSERT_NE(tls, nullptr);
  EXPECT_EQ(tls->server.size(), workers);
  ASSERT_EQ(tls->upstream.size(), workers * 2);
  ASSERT_EQ(tls->upstream_h1.size(), workers * 2);
  EXPECT_NE(tls->upstream[0], nullptr);
  EXPECT_EQ(tls->upstream[1], nullptr);  // the plaintext replica
  EXPECT_TRUE(status_.tls_ready.load());
}

TEST_F(ReloaderTest, the_start_tells_all_that_is_wrong_and_publishes_no_policy_of_a_bad_set) {
  folder_.write("tls.key", pem::server2_key);
  folder_.write("ca.crt", "");
  fs::remove(folder_.at("proxy.crt"));
  folder_.write("policy/q.yaml", "kind: [");
  const auto faults = start();
  EXPECT_EQ(faults.size(), 4u);
  EXPECT_EQ(shared_.policy.read(), nullptr);
  EXPECT_EQ(shared_.tls.read(), nullptr);
  EXPECT_FALSE(status_.tls_ready.load());
}

TEST_F(ReloaderTest, a_changed_policy_comes_into_force_with_the_next_generation) {
  started();
  log_text();
  folder_.write("policy/p.yaml", policy_for("bob"));
  reloader_->reload(now);
  EXPECT_FALSE(may("alice"));
  EXPECT_TRUE(may("bob"));
  EXPECT_EQ(status_.policy_generation.load(), 2u);
  EXPECT_NE(log_text().find("added=0 removed=0 changed=1"), std::string::npos);
}

TEST_F(ReloaderTest, an_unchanged_set_publishes_nothing) {
  started();
  log_text();
  const auto* before = shared_.policy.read();
  const auto* tls = shared_.tls.read();
  folder_.replace("policy/p.yaml", policy_for("alice"));
  reloader_->reload(now);
  EXPECT_EQ(shared_.policy.read(), before);
  EXPECT_EQ(shared_.tls.read(), tls);
  EXPECT_EQ(log_text(), "");
  EXPECT_EQ(status_.source(SourceKind::policy).successes.read(), 2u);
}

TEST_F(ReloaderTest, a_bad_file_keeps_the_whole_set_before_and_is_told_with_file_and_line) {
  started();
  log_text();
  folder_.write("policy/p.yaml", policy_for("bob"));
  folder_.write("policy/q.yaml", "\n\nkind: ClusterRole\nmetadata: 7\n");
  reloader_->reload(UnixTime{now.seconds + 5});
  EXPECT_TRUE(may("alice"));
  EXPECT_FALSE(may("bob"));
  EXPECT_EQ(status_.policy_generation.load(), 1u);
  EXPECT_EQ(status_.source(SourceKind::policy).failures.read(), 1u);
  EXPECT_FALSE(status_.source(SourceKind::policy).last_ok.load());
  EXPECT_EQ(status_.source(SourceKind::policy).last_success.load(), now.seconds);
  EXPECT_NE(log_text().find(folder_.at("policy/q.yaml") + ":"), std::string::npos);
  fs::remove(folder_.at("policy/q.yaml"));
  reloader_->reload(now);
  EXPECT_TRUE(may("bob"));
  EXPECT_TRUE(status_.source(SourceKind::policy).last_ok.load());
}

TEST_F(ReloaderTest, a_policy_folder_that_vanished_keeps_the_set_before) {
  started();
  fs::remove_all(folder_.at("policy"));
  reloader_->reload(now);
  EXPECT_TRUE(may("alice"));
  EXPECT_EQ(status_.source(SourceKind::policy).failures.read(), 1u);
}

TEST_F(ReloaderTest, a_folder_that_lost_its_files_keeps_the_set_before) {
  started();
  fs::remove(folder_.at("policy/p.yaml"));
  reloader_->reload(now);
  EXPECT_TRUE(may("alice"));
  EXPECT_EQ(status_.policy_generation.load(), 1u);
  EXPECT_EQ(status_.source(SourceKind::policy).failures.read(), 1u);
}

TEST_F(ReloaderTest, an_emptied_file_allows_nothing_more) {
  started();
  folder_.write("policy/p.yaml", "# nobody may do anything\n");
  reloader_->reload(now);
  EXPECT_FALSE(may("alice"));
  EXPECT_EQ(status_.policy_generation.load(), 2u);
  EXPECT_NE(log_text().find("the policy is empty"), std::string::npos);
}

TEST_F(ReloaderTest, always_allow_reads_no_policy) {
  config_.authorization_mode = {Authorizer::always_allow};
  config_.policy = {folder_.at("none")};
  started();
  EXPECT_EQ(shared_.policy.read(), nullptr);
}

TEST_F(ReloaderTest, a_new_serving_certificate_comes_into_force_as_a_pair) {
  started();
  const auto* before = shared_.tls.read();
  folder_.replace("tls.crt", pem::server2_crt);
  reloader_->reload(now);  // the key is still the old one's
  EXPECT_EQ(shared_.tls.read(), before);
  EXPECT_EQ(status_.source(SourceKind::serving_certificate).failures.read(), 1u);
  folder_.replace("tls.key", pem::server2_key);
  log_text();
  reloader_->reload(now);
  EXPECT_NE(shared_.tls.read(), before);
  EXPECT_NE(log_text().find("changed=serving_certificate"), std::string::npos);
}

TEST_F(ReloaderTest, a_bad_serving_certificate_does_not_keep_a_withdrawn_client_ca_in_force) {
  started();
  const auto epoch = shared_.tls.read()->client_trust->epoch();
  folder_.write("tls.crt", "rubbish");
  folder_.write("ca.crt", pem::other_ca_crt);
  reloader_->reload(now);
  EXPECT_NE(shared_.tls.read()->client_trust->epoch(), epoch);
  EXPECT_EQ(status_.source(SourceKind::serving_certificate).failures.read(), 1u);
  EXPECT_EQ(status_.source(SourceKind::client_ca).failures.read(), 0u);
}

TEST_F(ReloaderTest, an_emptied_client_ca_keeps_the_one_before) {
  started();
  const auto* before = shared_.tls.read();
  for (const std::string_view text :
       {std::string_view(""),
        std::string_view("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    folder_.write("ca.crt", text);
    reloader_->reload(now);
    EXPECT_EQ(shared_.tls.read(), before);
  }
  EXPECT_EQ(status_.source(SourceKind::client_ca).failures.read(), 2u);
}

TEST_F(ReloaderTest, a_new_upstream_ca_and_a_new_proxy_certificate_come_into_force) {
  started();
  log_text();
  folder_.write("upstream-ca.crt", std::string(pem::ca_crt) + std::string(pem::other_ca_crt));
  folder_.write("proxy.crt", pem::alice_crt);
  folder_.write("proxy.key", pem::alice_key);
  reloader_->reload(now);
  EXPECT_NE(log_text().find("changed=upstream_ca,proxy_client_certificate"), std::string::npos);
}

TEST_F(ReloaderTest, expired_certificates_serve_with_one_warning) {
  folder_.write("tls.crt", pem::expired_crt);
  folder_.write("tls.key", pem::expired_key);
  started();
  EXPECT_NE(log_text().find("expired"), std::string::npos);
  reloader_->reload(now);
  EXPECT_EQ(log_text().find("expired"), std::string::npos);
}

TEST_F(ReloaderTest, further_certificates_are_read_and_checked_too) {
  config_.tls_sni_cert_key = {
      {folder_.write("2.crt", pem::server2_crt), folder_.write("2.key", pem::server_key), {}}
  };
  EXPECT_EQ(start().size(), 1u);
  folder_.write("2.key", pem::server2_key);
  started();
}

TEST_F(ReloaderTest, the_slow_look_sees_what_no_event_told) {
  started();
  EXPECT_FALSE(reloader_->changed_on_disk());
  folder_.write("policy/p.yaml", policy_for("somebody"));
  EXPECT_TRUE(reloader_->changed_on_disk());
  reloader_->reload(now);
  EXPECT_FALSE(reloader_->changed_on_disk());
}

TEST_F(ReloaderTest, ticket_keys_rotate_into_new_contexts) {
  started();
  const auto* before = shared_.tls.read();
  reloader_->rotate_ticket_keys(now);
  EXPECT_NE(shared_.tls.read(), before);
}

}  // namespace
}  // namespace gh::control
