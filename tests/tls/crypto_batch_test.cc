// SPDX-License-Identifier: Apache-2.0
// What both kinds of batch answer, at every size: crypto_mb against the TLS library, where the
// processor has AVX-512 IFMA; one by one everywhere.
#include "tls/crypto_batch.h"

#include "tests/support/test_pki.h"
#include "tests/support/tls_compat.h"
#include "tls/openssl/local_key.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <deque>
#include <string>
#include <vector>

namespace gh::tls {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

bool openssl_verifies(EVP_PKEY* key, ByteView message, ByteView signature) {
  const DigestContext context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(
             context.get(), signature.data(), signature.size(), message.data(), message.size()
         ) == 1;
}

struct Subject {
  EVP_PKEY* evp = EVP_EC_gen("P-256");
  std::shared_ptr<const LocalKey> key = [this] {
    EVP_PKEY_up_ref(evp);
    return std::make_shared<const LocalKey>(KeyHandle(evp));
  }();
  KeyHandle owned{evp};

  std::vector<std::uint8_t> point() const {
    const ByteView info = key->public_key_info();  // its last 65 bytes are the point
    return {info.end() - 65, info.end()};
  }
};

struct Op : CryptoOp {
  std::vector<std::uint8_t> bytes, given, own;
  std::array<std::uint8_t, 128> room{};
  EVP_PKEY* openssl_key = nullptr;

  Op() { output = room; }

  ByteView result() const { return output.first(output_size); }
};

enum class Which : std::uint8_t { single, multibuffer };

class Batch : public ::testing::TestWithParam<Which> {
 protected:
  void SetUp() override {
    if (GetParam() == Which::multibuffer && !multibuffer_missing().empty())
      GTEST_SKIP() << multibuffer_missing();
    batch = GetParam() == Which::single ? make_single_batch() : make_multibuffer_batch();
    ASSERT_NE(batch, nullptr);
  }

  void run(std::deque<Op>& ops) {
    std::vector<CryptoOp*> all;
    for (Op& op : ops) all.push_back(&op);
    batch->run(all);
  }

  static void make_signing(Op& op, const Subject& subject, const std::string& message) {
    op.kind = CryptoKind::sign_p256;
    op.key = subject.key;
    op.scheme = SignatureScheme::ecdsa_sha256;
    op.bytes.assign(message.begin(), message.end());
    op.input = op.bytes;
    op.alone = sign_alone;
  }

  static void make_verification(
      Op& op, const Subject& subject, const std::string& message, ByteView signature
  ) {
    op.kind = CryptoKind::verify_p256;
    op.bytes.assign(message.begin(), message.end());
    op.input = op.bytes;
    op.given.assign(signature.begin(), signature.end());
    op.signature = op.given;
    op.own = subject.point();
    op.number = op.own;
    op.openssl_key = subject.evp;
    op.context = &op;
    op.alone = [](CryptoOp& one) noexcept {
      Op& self = *static_cast<Op*>(one.context);
      one.good = openssl_verifies(self.openssl_key, one.input, one.signature);
    };
  }

  std::unique_ptr<CryptoBatch> batch;
};

TEST_P(Batch, signatures_of_each_size_are_good_and_no_two_the_same) {
  for (std::size_t n = 1; n <= crypto_batch_max; ++n) {
    std::deque<Op> ops(n);
    std::deque<Subject> subjects(n);
    for (std::size_t i = 0; i < n; ++i)
      make_signing(ops[i], subjects[i], "message " + std::to_string(i));
    run(ops);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_TRUE(ops[i].good);
      EXPECT_TRUE(openssl_verifies(subjects[i].evp, ops[i].input, ops[i].result()))
          << n << " " << i;
    }
  }
}

TEST_P(Batch, the_same_message_is_signed_with_another_nonce_each_time) {
  Subject subject;
  std::deque<Op> ops(crypto_batch_max);
  for (Op& op : ops) make_signing(op, subject, "message");
  run(ops);
  for (std::size_t i = 1; i < ops.size(); ++i)
    EXPECT_NE(as_text(ops[0].result()), as_text(ops[i].result()));
}

TEST_P(Batch, verification_of_each_size_finds_the_bad_one) {
  for (std::size_t n = 1; n <= crypto_batch_max; ++n) {
    for (std::size_t bad = 0; bad <= n; ++bad) {  // n: none
      std::deque<Op> ops(n);
      std::deque<Subject> subjects(n);
      for (std::size_t i = 0; i < n; ++i) {
        Op signing;
        make_signing(signing, subjects[i], "message");
        sign_alone(signing);
        ASSERT_TRUE(signing.good);
        make_verification(ops[i], subjects[i], i == bad ? "another" : "message", signing.result());
      }
      run(ops);
      for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(ops[i].good, i != bad) << n << " " << i;
    }
  }
}

TEST_P(Batch, signatures_that_are_no_signatures_are_refused) {
  Subject subject;
  Op signing;
  make_signing(signing, subject, "message");
  sign_alone(signing);
  const std::vector<std::uint8_t> good(signing.result().begin(), signing.result().end());
  auto longer = good;
  longer.push_back(0);
  auto shorter = good;
  shorter.pop_back();
  std::vector<std::uint8_t> order = {0x30, 0x46, 0x02, 0x21, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00,
                                     0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3,
                                     0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
  order.insert(order.end(), order.begin() + 2, order.begin() + 37);
  const std::vector<std::vector<std::uint8_t>> bad = {
      {},
      {0x30, 0x00},
      {0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00},  // zero
      {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0xff},  // negative
      order,                                             // the group's order
      longer,
      shorter
  };
  std::deque<Op> ops(bad.size() + 1);
  for (std::size_t i = 0; i < bad.size(); ++i)
    make_verification(ops[i], subject, "message", bad[i]);
  make_verification(ops.back(), subject, "message", good);
  run(ops);
  for (std::size_t i = 0; i < bad.size(); ++i) EXPECT_FALSE(ops[i].good) << i;
  EXPECT_TRUE(ops.back().good);
}

#ifndef OPENSSL_IS_AWSLC
KeyHandle x25519_private(ByteView number) {
  return KeyHandle(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, number.data(), number.size())
  );
}

std::vector<std::uint8_t> x25519_public(ByteView number) {
  std::vector<std::uint8_t> out(32);
  std::size_t size = out.size();
  EVP_PKEY_get_raw_public_key(x25519_private(number).get(), out.data(), &size);
  return out;
}

TEST_P(Batch, x25519_of_each_size_is_the_librarys) {
  for (std::size_t n = 1; n <= crypto_batch_max; ++n) {
    std::deque<Op> keys(n), secrets(n);
    for (std::size_t i = 0; i < n; ++i) {
      keys[i].kind = CryptoKind::x25519_public;
      keys[i].own.assign(32, static_cast<std::uint8_t>(7 * n + i + 1));
      keys[i].number = keys[i].own;
      keys[i].output = MutableBytes(keys[i].room).first(32);
      keys[i].alone = [](CryptoOp& op) noexcept {
        const auto made = x25519_public(op.number);
        std::copy(made.begin(), made.end(), op.output.begin());
        op.output_size = 32;
        op.good = true;
      };
    }
    run(keys);
    for (Op& op : keys) {
      EXPECT_TRUE(op.good);
      const auto expected = x25519_public(op.number);
      EXPECT_EQ(as_text(op.result()), as_text(expected));
    }
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    Batch,
    testing::Values(Which::single, Which::multibuffer),
    [](const auto& of) {
      return of.param == Which::single ? std::string("single") : std::string("crypto_mb");
    }
);

}  // namespace
}  // namespace gh::tls
