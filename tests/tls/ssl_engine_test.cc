// SPDX-License-Identifier: Apache-2.0
// An ENGINE that pauses handshakes by itself, as the drivers of crypto devices do.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tls/ssl_engine.h"

#include "tests/tls/crypto_fixture.h"
#include "tests/tls/handshake_fixture.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/opensslconf.h>

#if !defined(OPENSSL_IS_AWSLC) && !defined(OPENSSL_NO_ENGINE)
#include <openssl/async.h>
#include <openssl/engine.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace gh::tls {
namespace {

using SignFunction =
    int (*)(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*, std::size_t);

// What the device of the test is up to.
struct Device {
  bool by_file = false;  // announces itself by a descriptor; else by the callback
  bool fails = false;
  int asked = 0;
  int file = -1;
  int (*callback)(void*) = nullptr;
  void* argument = nullptr;
  SignFunction real_sign = nullptr;

  void answer() {
    if (by_file) {
      const std::uint64_t one = 1;
      ASSERT_EQ(::write(file, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    } else {
      callback(argument);
    }
  }
};

Device device;

void close_file(ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD file, void*) { ::close(file); }

int paused_sign(
    EVP_PKEY_CTX* context,
    unsigned char* signature,
    std::size_t* size,
    const unsigned char* hash,
    std::size_t hash_size
) {
  ASYNC_JOB* job = ASYNC_get_current_job();
  if (job != nullptr && signature != nullptr) {
    ++device.asked;
    ASYNC_WAIT_CTX* wait = ASYNC_get_wait_ctx(job);
    if (device.by_file) {
      device.file = ::eventfd(0, EFD_NONBLOCK);
      ASYNC_WAIT_CTX_set_wait_fd(wait, &device, device.file, nullptr, close_file);
    } else {
      ASYNC_WAIT_CTX_get_callback(wait, &device.callback, &device.argument);
    }
    ASYNC_pause_job();
    if (device.by_file) ASYNC_WAIT_CTX_clear_fd(wait, &device);
    if (device.by_file) ::close(device.file);
    if (device.fails) return 0;
  }
  return device.real_sign(context, signature, size, hash, hash_size);
}

EVP_PKEY_METHOD* method() {
  static EVP_PKEY_METHOD* const made = [] {
    const EVP_PKEY_METHOD* real = EVP_PKEY_meth_find(EVP_PKEY_RSA);
    int id = 0, flags = 0;
    EVP_PKEY_meth_get0_info(&id, &flags, real);
    EVP_PKEY_METHOD* own = EVP_PKEY_meth_new(id, flags);
    EVP_PKEY_meth_copy(own, real);
    int (*init)(EVP_PKEY_CTX*) = nullptr;
    EVP_PKEY_meth_get_sign(real, &init, &device.real_sign);
    EVP_PKEY_meth_set_sign(own, init, paused_sign);
    return own;
  }();
  return made;
}

int methods(ENGINE*, EVP_PKEY_METHOD** out, const int** ids, int id) {
  static const int own[] = {EVP_PKEY_RSA};
  if (out == nullptr) {
    *ids = own;
    return 1;
  }
  *out = id == EVP_PKEY_RSA ? method() : nullptr;
  return *out != nullptr ? 1 : 0;
}

// Made before the engine, which has nothing to generate keys with.
struct RsaServer {
  test::Authority ca{"rsa-ca"};
  KeyPair pair = pair_of(ca.issue(
      {.common_name = "api.test",
       .dns_names = {"api.test"},
       .usage = test::Usage::server,
       .key = test::KeyKind::rsa2048}
  ));
};

const RsaServer& rsa_server() {
  static const RsaServer made;
  return made;
}

class SslEngine : public EitherVersion {
 protected:
  SslEngine() {
    server_settings.certificates = {rsa_server().pair};
    client_settings.trust = trust_of(rsa_server().ca.pem());
    device = Device{.real_sign = device.real_sign};
    static const bool added = [] {
      ENGINE* engine = ENGINE_new();
      ENGINE_set_id(engine, "gatehouse-test");
      ENGINE_set_name(engine, "an engine of the tests");
      ENGINE_set_pkey_meths(engine, methods);
      ENGINE_add(engine);
      ENGINE_free(engine);
      return use_ssl_engine("gatehouse-test").has_value();
    }();
    EXPECT_TRUE(added);
    server_settings.engine_pauses = true;
    server_crypto = {&gathered.queue, &waiter};
  }

  // The other tests of this program are without it.
  static void TearDownTestSuite() {
    ENGINE* engine = ENGINE_by_id("gatehouse-test");
    ENGINE_unregister_pkey_meths(engine);
    ENGINE_finish(engine);  // use_ssl_engine's, which a process keeps
    ENGINE_free(engine);
  }

  void connect_until_device() {
    connect();
    ASSERT_TRUE(server->engine->waiting());
    ASSERT_EQ(device.asked, 1);
    EXPECT_TRUE(gathered.queue.polls());
    EXPECT_FALSE(gathered.queue.run());  // it has not answered
    EXPECT_EQ(waiter.told, 0);
  }

  void finish() {
    device.answer();
    EXPECT_TRUE(gathered.queue.run());
    EXPECT_EQ(waiter.told, 1);
    if (auto result = server->engine->resume(now); !result) server->failure = result.error();
    exchange();
  }

  TestQueue gathered;
  CountingWaiter waiter;
};

TEST_P(SslEngine, a_handshake_waits_for_a_device_that_calls_back) {
  connect_until_device();
  finish();
  EXPECT_TRUE(both_established()) << server->engine->error_text();
  EXPECT_FALSE(gathered.queue.polls());
}

TEST_P(SslEngine, a_handshake_waits_for_a_device_with_a_descriptor) {
  device.by_file = true;
  connect_until_device();
  finish();
  EXPECT_TRUE(both_established()) << server->engine->error_text();
}

TEST_P(SslEngine, a_device_that_fails_ends_the_handshake) {
  device.fails = true;
  connect_until_device();
  finish();
  EXPECT_FALSE(server->engine->established());
  EXPECT_NE(server->failure, TlsError::none);
  EXPECT_EQ(client->failure, TlsError::peer_alert);
}

TEST_P(SslEngine, a_handshake_given_up_is_freed_once_the_device_has_answered) {
  connect_until_device();
  server.reset();
  server_context.reset();
  EXPECT_EQ(gathered.counters.abandoned.read(), 1u);
  EXPECT_FALSE(gathered.queue.run());
  EXPECT_TRUE(gathered.queue.polls());
  device.answer();
  gathered.queue.run();
  EXPECT_FALSE(gathered.queue.polls());
  EXPECT_EQ(waiter.told, 0);
}

TEST_P(SslEngine, without_a_queue_nothing_pauses) {
  server_crypto = {};
  connect();
  EXPECT_TRUE(both_established());
  EXPECT_EQ(device.asked, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Versions,
    SslEngine,
    testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
    [](const auto& of) {
      return of.param == ProtocolVersion::tls_1_2 ? std::string("tls12") : std::string("tls13");
    }
);

TEST(SslEngineName, one_that_does_not_exist_is_refused) {
  const auto used = use_ssl_engine("no-such-engine");
  ASSERT_FALSE(used.has_value());
  EXPECT_NE(used.error().text.find("no-such-engine"), std::string::npos);
}

}  // namespace
}  // namespace gh::tls

#else

namespace gh::tls {

TEST(SslEngineName, a_library_without_engines_says_so) {
  const auto used = use_ssl_engine("dasync");
  ASSERT_FALSE(used.has_value());
  EXPECT_NE(used.error().text.find("has no ENGINE"), std::string::npos);
}

}  // namespace gh::tls

#endif
