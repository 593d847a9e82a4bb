// SPDX-License-Identifier: Apache-2.0
#include "tls/crypto_queue.h"

#include "base/limits.h"
#include "tests/tls/crypto_fixture.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <vector>

namespace gh::tls {
namespace {

// A key that signs by repeating the message, unless that is "bad".
class EchoKey final : public PrivateKey {
 public:
  explicit EchoKey(bool blocks = false) : blocks_(blocks) {}

  std::size_t sign(SignatureScheme, ByteView message, MutableBytes signature)
      const noexcept override {
    if (as_text(message) == "bad") return 0;
    std::copy(message.begin(), message.end(), signature.begin());
    return message.size();
  }

  ByteView public_key_info() const noexcept override { return {}; }

  bool blocks() const noexcept override { return blocks_; }

 private:
  bool blocks_;
};

// Remembers how many came at once.
class RecordingBatch final : public CryptoBatch {
 public:
  explicit RecordingBatch(std::vector<std::size_t>& sizes) : sizes_(sizes) {}

  void run(std::span<CryptoOp* const> ops) noexcept override {
    sizes_.push_back(ops.size());
    for (CryptoOp* op : ops) op->alone(*op);
  }

 private:
  std::vector<std::size_t>& sizes_;
};

struct Signing final : CountingWaiter {
  explicit Signing(std::shared_ptr<const PrivateKey> key, std::string_view message = "hello") {
    op.kind = CryptoKind::sign_p256;
    op.key = std::move(key);
    op.input = as_bytes(message);
    op.output = room;
    op.alone = sign_alone;
  }

  std::string_view text() const { return as_text(op.output.first(op.output_size)); }

  std::array<std::uint8_t, 64> room{};
  CryptoOp op;
};

class Queue : public ::testing::Test {
 protected:
  std::shared_ptr<const PrivateKey> key = std::make_shared<EchoKey>();
  CryptoCounters counters;
  std::vector<std::size_t> sizes;
  CryptoQueue queue{counters, std::make_unique<RecordingBatch>(sizes), [] {}};

  Signing& submit(std::string_view message = "hello", CryptoKind kind = CryptoKind::sign_p256) {
    Signing& one = signings.emplace_back(key, message);
    one.op.kind = kind;
    EXPECT_TRUE(queue.submit(one.op, one));
    return one;
  }

  std::deque<Signing> signings;
};

TEST_F(Queue, what_was_submitted_is_done_at_the_end_of_the_turn_and_told_once) {
  Signing& one = submit();
  EXPECT_EQ(one.told, 0);
  EXPECT_EQ(one.op.state, CryptoOp::State::queued);
  EXPECT_TRUE(queue.run());
  EXPECT_EQ(one.told, 1);
  EXPECT_TRUE(one.op.good);
  EXPECT_EQ(one.text(), "hello");
  EXPECT_FALSE(queue.run());
  EXPECT_EQ(one.told, 1);
}

TEST_F(Queue, one_operation_waits_for_no_other) {
  submit();
  queue.run();
  EXPECT_EQ(sizes, std::vector<std::size_t>{1});
}

TEST_F(Queue, operations_of_a_kind_are_done_eight_at_once_and_the_rest_after_them) {
  for (int i = 0; i < 19; ++i) submit();
  queue.run();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{8, 8, 3}));
  EXPECT_EQ(counters.batches[7].read(), 2u);
  EXPECT_EQ(counters.batches[2].read(), 1u);
  EXPECT_EQ(counters.submitted[std::size_t(CryptoKind::sign_p256)].read(), 19u);
}

TEST_F(Queue, kinds_are_not_mixed) {
  submit("a", CryptoKind::sign_p256);
  submit("b", CryptoKind::sign_rsa);
  submit("c", CryptoKind::sign_p256);
  queue.run();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 1}));
}

TEST_F(Queue, one_that_fails_fails_alone) {
  Signing& good = submit("good");
  Signing& bad = submit("bad");
  Signing& also = submit("also");
  queue.run();
  EXPECT_TRUE(good.op.good && also.op.good);
  EXPECT_FALSE(bad.op.good);
  EXPECT_EQ(bad.told, 1);
  EXPECT_EQ(counters.failed.read(), 1u);
}

TEST_F(Queue, a_cancelled_one_is_neither_done_nor_told) {
  Signing& first = submit();
  Signing& second = submit();
  Signing& third = submit();
  queue.cancel(second.op);
  EXPECT_EQ(second.op.state, CryptoOp::State::done);
  EXPECT_FALSE(second.op.good);
  queue.run();
  EXPECT_EQ(first.told + third.told, 2);
  EXPECT_EQ(second.told, 0);
  EXPECT_EQ(counters.abandoned.read(), 1u);
  queue.cancel(first.op);  // done already: nothing to do
  EXPECT_TRUE(first.op.good);
  EXPECT_EQ(counters.abandoned.read(), 1u);
}

TEST_F(Queue, when_it_is_full_the_caller_does_it_himself) {
  for (std::size_t i = 0; i < limits::crypto_queued_max; ++i) submit();
  Signing more(key);
  EXPECT_FALSE(queue.submit(more.op, more));
  EXPECT_EQ(more.op.state, CryptoOp::State::idle);
  EXPECT_EQ(counters.in_place.read(), 1u);
  queue.run();
  EXPECT_TRUE(queue.submit(more.op, more));
  queue.cancel(more.op);
}

TEST(CryptoHelpers, a_key_that_blocks_is_asked_by_another_thread_and_wakes_the_owner) {
  TestQueue test;
  Signing one(std::make_shared<EchoKey>(true));
  ASSERT_TRUE(test.queue.submit(one.op, one));
  EXPECT_EQ(one.op.state, CryptoOp::State::away);
  test.run_until_woken();
  EXPECT_EQ(one.told, 1);
  EXPECT_EQ(one.text(), "hello");
}

TEST(CryptoHelpers, a_failure_is_told_as_such) {
  TestQueue test;
  Signing one(std::make_shared<EchoKey>(true), "bad");
  ASSERT_TRUE(test.queue.submit(one.op, one));
  test.run_until_woken();
  EXPECT_EQ(one.told, 1);
  EXPECT_FALSE(one.op.good);
}

TEST(CryptoHelpers, one_that_is_cancelled_while_a_thread_has_it_is_dropped_when_it_comes_back) {
  TestQueue test;
  const auto key = std::make_shared<GatedKey>(std::make_shared<EchoKey>());
  {
    Signing one(key);
    ASSERT_TRUE(test.queue.submit(one.op, one));
    key->wait_until_entered(1);
    test.queue.cancel(one.op);
    EXPECT_EQ(one.op.state, CryptoOp::State::done);
  }
  key->open();
  test.run_until_woken();
  EXPECT_EQ(test.counters.abandoned.read(), 1u);
}

TEST(CryptoHelpers, cancelled_ones_make_room_and_too_many_are_refused) {
  TestQueue test;
  const auto key = std::make_shared<GatedKey>(std::make_shared<EchoKey>());
  std::deque<Signing> many;
  for (std::size_t i = 0; i < limits::crypto_away_max; ++i) {
    Signing& one = many.emplace_back(key);
    ASSERT_TRUE(test.queue.submit(one.op, one));
  }
  Signing more(key);
  EXPECT_FALSE(test.queue.submit(more.op, more));
  EXPECT_EQ(more.op.state, CryptoOp::State::done);
  EXPECT_FALSE(more.op.good);
  EXPECT_EQ(test.counters.refused.read(), 1u);
  test.queue.cancel(many.back().op);
  Signing another(key);
  EXPECT_TRUE(test.queue.submit(another.op, another));
  test.queue.cancel(another.op);
  for (Signing& one : many) test.queue.cancel(one.op);
  key->open();
}

TEST(CryptoHelpers, a_key_that_never_answers_does_not_keep_the_worker_from_ending) {
  const auto key = std::make_shared<GatedKey>(std::make_shared<EchoKey>());
  {
    TestQueue test;
    Signing one(key);
    ASSERT_TRUE(test.queue.submit(one.op, one));
    key->wait_until_entered(1);
    test.queue.cancel(one.op);
  }
  key->open();
}

}  // namespace
}  // namespace gh::tls
