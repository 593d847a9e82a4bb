// SPDX-License-Identifier: Apache-2.0
// Keys in a PKCS#11 token, with SoftHSM (Debian's softhsm2).
#include "tests/tls/crypto_fixture.h"
#include "tests/tls/handshake_fixture.h"
#include "tls/pkcs11/pkcs11_key.h"
#include "tls/pkcs11/pkcs11_uri.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gh::tls {
namespace {

TEST(Pkcs11Uri, says_token_key_module_and_pin) {
  const auto uri = parse_pkcs11_uri(
      "pkcs11:token=my%20gate;object=serving;id=%A1%b2;type=private?module-path=/usr/lib/x.so&"
      "pin-source=file:/run/pin"
  );
  ASSERT_TRUE(uri.has_value()) << uri.error().text;
  EXPECT_EQ(uri->token, "my gate");
  EXPECT_EQ(uri->object, "serving");
  EXPECT_EQ(uri->id, "\xa1\xb2");
  EXPECT_EQ(uri->module_path, "/usr/lib/x.so");
  EXPECT_EQ(uri->pin_file, "/run/pin");
  EXPECT_FALSE(uri->pin_value);
}

TEST(Pkcs11Uri, what_is_not_understood_is_refused) {
  for (const char* bad : {
           "file:x",
           "pkcs11:",
           "pkcs11:token=a",  // no key
           "pkcs11:object=a;object=b",
           "pkcs11:object=a;library-version=3",
           "pkcs11:object=a;x-vendor=1",
           "pkcs11:object=a;type=cert",
           "pkcs11:object=a;slot-id=1x",
           "pkcs11:object=a;slot-id=",
           "pkcs11:object=%2",
           "pkcs11:object=%zz",
           "pkcs11:object",
           "pkcs11:=a",
           "pkcs11:object=a?module-path=relative.so",
           "pkcs11:object=a?pin-source=|cat /etc/pin",
           "pkcs11:object=a?pin-value=1&pin-source=file:/p",
           "pkcs11:object=a?module-name=x",
       })
    EXPECT_FALSE(parse_pkcs11_uri(bad).has_value()) << bad;
}

TEST(Pkcs11Uri, messages_have_no_pin) {
  EXPECT_EQ(
      without_pin("pkcs11:object=a?pin-value=1234&module-path=/x"),
      "pkcs11:object=a?pin-value=***&module-path=/x"
  );
  EXPECT_EQ(without_pin("pkcs11:object=a?pin-value=1234"), "pkcs11:object=a?pin-value=***");
}

// ---- with a token ----

namespace fs = std::filesystem;

constexpr const char* softhsm_module = "/usr/lib/softhsm/libsofthsm2.so";

// One token for the whole program, since a module reads its configuration once.
class SoftHsm {
 public:
  static SoftHsm& shared() {
    static SoftHsm one;
    return one;
  }

  static bool is_installed() {
    return fs::exists(softhsm_module) && std::system("command -v softhsm2-util >/dev/null") == 0;
  }

  // The key in the token, by this label.
  void import(const KeyPair& pair, const std::string& label, const std::string& id) {
    const std::string file = (folder_ / "key.pem").string();
    std::ofstream(file) << pair.key_pem;
    run("softhsm2-util --import " + file + " --token gate --label " + label + " --id " + id +
        " --pin 1234 --force");
  }

  // The certificate chain in a file.
  std::string chain(const KeyPair& pair) {
    const std::string file = (folder_ / ("chain" + std::to_string(++files_) + ".pem")).string();
    std::ofstream(file) << pair.chain_pem;
    return file;
  }

  std::string pin_file() const { return (folder_ / "pin").string(); }

 private:
  SoftHsm() {
    std::string name = (fs::temp_directory_path() / "gatehouse-token-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    fs::create_directory(folder_ / "tokens");
    const std::string file = (folder_ / "softhsm2.conf").string();
    std::ofstream(file) << "directories.tokendir = " << (folder_ / "tokens").string()
                        << "\nobjectstore.backend = file\nlog.level = ERROR\n";
    std::ofstream(pin_file()) << "1234\n";
    ::setenv("SOFTHSM2_CONF", file.c_str(), 1);
    run("softhsm2-util --init-token --free --label gate --pin 1234 --so-pin 4321");
  }

  ~SoftHsm() { fs::remove_all(folder_); }

  static void run(const std::string& command) {
    EXPECT_EQ(std::system((command + " >/dev/null").c_str()), 0) << command;
  }

  fs::path folder_;
  int files_ = 0;
};

std::string uri_of(const std::string& label, const std::string& pin = "pin-value=1234") {
  return "pkcs11:token=gate;object=" + label + "?module-path=" + softhsm_module + "&" + pin;
}

class Token : public EitherVersion {
 protected:
  void SetUp() override {
    if (!SoftHsm::is_installed()) GTEST_SKIP() << "softhsm2 is not installed (scripts/setup check)";
    ours = pair_of(ca.server("api.test"));
    server_crypto = {&gathered.queue, &waiter};
  }

  SoftHsm& token() { return SoftHsm::shared(); }

  std::string error_of(const std::string& uri) {
    auto loaded = load_key_pair(token().chain(ours), uri);
    return loaded ? "" : loaded.error().to_string();
  }

  void handshake() {
    begin();
    for (;;) {
      exchange();
      if (!server->engine->waiting() && !client->engine->waiting()) return;
      gathered.run_until_woken();
      (void)server->engine->resume(now);
      (void)client->engine->resume(now);
    }
  }

  KeyPair ours;
  TestQueue gathered;
  CountingWaiter waiter;
};

TEST_P(Token, a_server_signs_with_its_key_in_a_token) {
  for (const auto kind : {test::KeyKind::p256, test::KeyKind::rsa2048, test::KeyKind::p384}) {
    server_context.reset();
    const std::string label = "serving" + std::to_string(static_cast<int>(kind)) +
                              std::to_string(static_cast<int>(GetParam()));
    ours = pair_of(ca.issue(
        {.common_name = "api.test",
         .dns_names = {"api.test"},
         .usage = test::Usage::server,
         .key = kind}
    ));
    token().import(ours, label, "A1");
    auto loaded =
        load_key_pair(token().chain(ours), uri_of(label, "pin-source=file:" + token().pin_file()));
    ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
    EXPECT_EQ(loaded->key_pem.find("PRIVATE"), std::string::npos);
    server_settings.certificates = {*loaded};
    handshake();
    ASSERT_TRUE(both_established()) << server->engine->error_text();
  }
}

TEST_P(Token, a_client_signs_with_its_key_in_a_token) {
  const std::string label = "client" + std::to_string(static_cast<int>(GetParam()));
  const KeyPair alice = pair_of(client_ca.client("alice"));
  token().import(alice, label, "B1");
  auto loaded = load_key_pair(token().chain(alice), uri_of(label));
  ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
  client_settings.certificate = *loaded;
  client_crypto = {&gathered.queue, &waiter};
  handshake();
  ASSERT_TRUE(both_established()) << client->engine->error_text();
  EXPECT_EQ(server->engine->client_certificate()->common_name, "alice");
}

TEST_P(Token, faults_say_what_is_wrong_and_never_the_pin) {
  const std::string label = "fault" + std::to_string(static_cast<int>(GetParam()));
  token().import(ours, label, "C1");
  token().import(pair_of(ca.server("api.test")), label + "other", "C2");
  const std::string wrong_pin = error_of(uri_of(label + "x", "pin-value=7777"));
  EXPECT_EQ(wrong_pin.find("7777"), std::string::npos) << wrong_pin;
  EXPECT_NE(error_of(uri_of(label + "missing")).find("no such private key"), std::string::npos);
  EXPECT_NE(error_of(uri_of(label + "other")).find("does not sign for"), std::string::npos);
  EXPECT_NE(
      error_of("pkcs11:token=nobody;object=x?module-path=" + std::string(softhsm_module))
          .find("no such token"),
      std::string::npos
  );
  EXPECT_NE(
      error_of("pkcs11:object=x?module-path=/nowhere.so").find("cannot be loaded"),
      std::string::npos
  );
  EXPECT_NE(
      error_of("pkcs11:object=x?module-path=/lib/x86_64-linux-gnu/libc.so.6")
          .find("no PKCS#11 module"),
      std::string::npos
  );
  EXPECT_NE(
      error_of(uri_of(label, "pin-source=file:/nowhere")).find("/nowhere"), std::string::npos
  );
  EXPECT_EQ(error_of(uri_of(label)), "");
}

TEST_P(Token, the_key_in_use_is_opened_once) {
  const std::string label = "once" + std::to_string(static_cast<int>(GetParam()));
  token().import(ours, label, "D1");
  const std::string chain = token().chain(ours);
  const auto one = load_key_pair(chain, uri_of(label));
  const auto again = load_key_pair(chain, uri_of(label));
  ASSERT_TRUE(one && again);
  EXPECT_EQ(one->outside_key, again->outside_key);
}

INSTANTIATE_TEST_SUITE_P(
    Versions,
    Token,
    testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
    [](const auto& of) {
      return of.param == ProtocolVersion::tls_1_2 ? std::string("tls12") : std::string("tls13");
    }
);

}  // namespace
}  // namespace gh::tls
