// SPDX-License-Identifier: Apache-2.0
#include "tls/session_tickets.h"

#include "base/limits.h"

#include <gtest/gtest.h>

namespace gh::tls {
namespace {

TicketState good() {
  TicketState state;
  state.has_certificate = true;
  state.presented = 2;
  state.trust_epoch.fill(7);
  state.chain_fingerprint.fill(9);
  state.not_after = {2000};
  state.lineage_start = {1000};
  state.issued = {1100};
  state.server_name = "api.test";
  state.leaf = as_bytes("leaf");
  return state;
}

TicketVerdict judged(const TicketState& state, UnixTime now = {1200}) {
  return may_resume(state, ClientCertMode::require, good().trust_epoch, "api.test", now);
}

TEST(TicketState, is_read_back_as_it_was_written) {
  const auto bytes = good().encode();
  const auto back = TicketState::decode(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->encode(), bytes);
  EXPECT_EQ(back->server_name, "api.test");
  EXPECT_EQ(as_text(back->leaf), "leaf");
  EXPECT_EQ(back->presented, 2u);
  EXPECT_EQ(back->not_after.seconds, 2000);
}

TEST(TicketState, truncated_or_foreign_bytes_are_refused) {
  auto bytes = good().encode();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(TicketState::decode(ByteView(bytes).first(size)).has_value()) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(TicketState::decode(bytes).has_value());
  bytes.pop_back();
  bytes[0] = 1;
  EXPECT_FALSE(TicketState::decode(bytes).has_value());
  bytes[0] = 2;
  bytes[1] = 4;
  EXPECT_FALSE(TicketState::decode(bytes).has_value());
}

TEST(TicketVerdict, each_condition_counts) {
  EXPECT_EQ(judged(good()), TicketVerdict::resume);
  auto state = good();
  state.mode = ClientCertMode::request;
  EXPECT_EQ(judged(state), TicketVerdict::refuse);
  state = good();
  state.server_name = "";
  EXPECT_EQ(judged(state), TicketVerdict::refuse);
  state = good();
  state.has_certificate = false;
  EXPECT_EQ(judged(state), TicketVerdict::refuse);
  state = good();
  state.trust_epoch[31] = 0;
  EXPECT_EQ(judged(state), TicketVerdict::verify_again);
  EXPECT_EQ(judged(good(), {1999}), TicketVerdict::resume);
  EXPECT_EQ(judged(good(), {2000}), TicketVerdict::refuse);
  state = good();
  state.not_after = {1'000'000'000};
  EXPECT_EQ(judged(state, {1100 + limits::ticket_lifetime.count()}), TicketVerdict::refuse);
  state.issued = {1000 + limits::ticket_lineage_max.count()};
  EXPECT_EQ(judged(state, state.issued), TicketVerdict::refuse);
}

TEST(TicketKeys, rotation_keeps_one_previous_key) {
  const auto first = *TicketKeys::generate();
  const auto second = *first->rotated();
  const auto third = *second->rotated();
  bool renew = false;
  EXPECT_NE(first->find(first->current().name, renew), nullptr);
  EXPECT_FALSE(renew);
  EXPECT_NE(second->find(first->current().name, renew), nullptr);
  EXPECT_TRUE(renew);
  EXPECT_EQ(third->find(first->current().name, renew), nullptr);
  EXPECT_NE(first->current().name, second->current().name);
  EXPECT_NE(first->current().cipher, second->current().cipher);
}

TEST(TicketKeys, rotation_keeps_as_many_as_asked_for_up_to_the_bound) {
  auto keys = *TicketKeys::generate();
  const auto first = keys->current();
  bool renew = false;
  for (std::size_t i = 1; i < limits::ticket_keys_max; ++i) {
    keys = *keys->rotated(1000);
    ASSERT_NE(keys->find(first.name, renew), nullptr) << i;
  }
  keys = *keys->rotated(1000);
  EXPECT_EQ(keys->size(), limits::ticket_keys_max);
  EXPECT_EQ(keys->find(first.name, renew), nullptr);
}

TEST(TicketKeys, key_that_comes_next_opens_but_does_not_seal) {
  const auto next = (*TicketKeys::generate())->current(),
             now = (*TicketKeys::generate())->current();
  const auto ring = TicketKeys::of({now, next}, 0);
  bool renew = false;
  EXPECT_EQ(ring->current(), now);
  ASSERT_NE(ring->find(next.name, renew), nullptr);
  EXPECT_TRUE(renew);
}

TEST(TicketVerdict, path_that_is_not_valid_yet_refuses) {
  auto state = good();
  state.not_before = {1201};
  EXPECT_EQ(judged(state), TicketVerdict::refuse);
  EXPECT_EQ(judged(state, {1201}), TicketVerdict::resume);
}

TEST(TicketVerdict, bounds_are_those_given) {
  const auto verdict = [](TicketLimits bounds, std::int64_t now) {
    return may_resume(
        good(), ClientCertMode::require, good().trust_epoch, "api.test", {now}, bounds
    );
  };
  using std::chrono::seconds;
  EXPECT_EQ(verdict({seconds(10), seconds(500)}, 1109), TicketVerdict::resume);
  EXPECT_EQ(verdict({seconds(10), seconds(500)}, 1110), TicketVerdict::refuse);
  EXPECT_EQ(verdict({seconds(500), seconds(150)}, 1149), TicketVerdict::resume);
  EXPECT_EQ(verdict({seconds(500), seconds(150)}, 1150), TicketVerdict::refuse);
  EXPECT_EQ(verdict({seconds(0), seconds(150)}, 1100), TicketVerdict::refuse);
}

}  // namespace
}  // namespace gh::tls
