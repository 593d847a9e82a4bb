// SPDX-License-Identifier: Apache-2.0
#include "base/byte_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace gh {
namespace {

std::string take_all(ByteQueue& queue) {
  std::string all;
  while (!queue.empty()) {
    all += as_text(queue.front());
    queue.pop(queue.front().size());
  }
  return all;
}

std::string letters(std::size_t count, char first = 'a') {
  std::string text(count, ' ');
  for (std::size_t i = 0; i < count; ++i)
    text[i] = static_cast<char>(first + static_cast<char>(i % 26));
  return text;
}

TEST(ByteQueue, an_empty_queue_has_no_memory) {
  BufferPool pool;
  ByteQueue queue(pool);
  EXPECT_TRUE(queue.front().empty());
  queue.append({});
  queue.pop(0);
  EXPECT_EQ(pool.in_use(), 0u);
  queue.append(as_bytes("x"));
  queue.pop(1);
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(ByteQueue, bytes_come_out_in_order_over_chunk_borders) {
  BufferPool pool;
  ByteQueue queue(pool);
  const std::string text = letters(5 * Chunk::capacity + 17);
  for (std::size_t at = 0; at < text.size(); at += 1000) {
    queue.append(as_bytes(std::string_view(text).substr(at, 1000)));
  }
  EXPECT_EQ(queue.size(), text.size());
  EXPECT_EQ(pool.in_use(), 6u);
  EXPECT_EQ(take_all(queue), text);
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(ByteQueue, popping_past_a_chunk_frees_it) {
  BufferPool pool;
  ByteQueue queue(pool);
  queue.append(as_bytes(letters(2 * Chunk::capacity + 10)));
  queue.pop(Chunk::capacity);
  EXPECT_EQ(pool.in_use(), 2u);
  queue.pop(Chunk::capacity + 3);
  EXPECT_EQ(pool.in_use(), 1u);
  EXPECT_EQ(queue.size(), 7u);
  EXPECT_EQ(queue.front().size(), 7u);
}

TEST(ByteQueue, room_and_commit_fill_the_tail) {
  BufferPool pool;
  ByteQueue queue(pool);
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const MutableBytes room = queue.room();
    ASSERT_GE(room.size(), 1u);
    const std::size_t n = std::min<std::size_t>(room.size(), 23);
    std::memset(room.data(), 'a' + i % 26, n);
    queue.commit(n);
    all.append(n, static_cast<char>('a' + i % 26));
  }
  EXPECT_EQ(take_all(queue), all);
}

TEST(ByteQueue, room_that_is_not_used_leaves_the_bytes_alone) {
  BufferPool pool;
  ByteQueue queue(pool);
  (void)queue.room();
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.front().empty());
  queue.append(as_bytes(letters(Chunk::capacity)));
  (void)queue.room();  // a second, empty chunk
  queue.commit(0);
  EXPECT_EQ(queue.front().size(), Chunk::capacity);
  queue.pop(Chunk::capacity);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(pool.in_use(), 0u);
  queue.append(as_bytes("again"));
  EXPECT_EQ(take_all(queue), "again");
}

// A send under way refers to the first bytes: appending must not move them.
TEST(ByteQueue, appending_does_not_move_what_is_there) {
  BufferPool pool;
  ByteQueue queue(pool);
  queue.append(as_bytes("first"));
  const auto* where = queue.front().data();
  queue.append(as_bytes(letters(3 * Chunk::capacity)));
  EXPECT_EQ(queue.front().data(), where);
  EXPECT_EQ(queue.first()->data + queue.first()->begin, where);
}

TEST(ByteQueue, a_moved_queue_takes_the_bytes_with_it) {
  BufferPool pool;
  ByteQueue from(pool);
  from.append(as_bytes("bytes"));
  ByteQueue to(std::move(from));
  EXPECT_EQ(take_all(to), "bytes");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): it is an empty queue
  from.append(as_bytes("new"));
  EXPECT_EQ(take_all(from), "new");
}

TEST(ByteQueue, clear_gives_everything_back) {
  BufferPool pool;
  ByteQueue queue(pool);
  queue.append(as_bytes(letters(4 * Chunk::capacity)));
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(pool.in_use(), 0u);
  queue.append(as_bytes("x"));
  EXPECT_EQ(queue.size(), 1u);
}

TEST(ByteQueue, random_use_agrees_with_a_string) {
  BufferPool pool;
  ByteQueue queue(pool);
  std::string model;
  std::uint32_t state = 3;
  const auto random = [&state](std::uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
  };
  for (int step = 0; step < 20'000; ++step) {
    if (random(2) == 0) {
      const std::string piece = letters(random(9000), static_cast<char>('A' + random(6)));
      queue.append(as_bytes(piece));
      model += piece;
    } else {
      const std::size_t n = std::min<std::size_t>(model.size(), random(12'000));
      queue.pop(n);
      model.erase(0, n);
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.empty(), queue.front().empty());
    ASSERT_EQ(as_text(queue.front()), std::string_view(model).substr(0, queue.front().size()));
    ASSERT_TRUE(!model.empty() || pool.in_use() == 0);
  }
}

TEST(BufferPool, the_chunk_given_last_is_taken_first_and_is_empty) {
  BufferPool pool;
  Chunk* a = pool.take();
  Chunk* b = pool.take();
  b->begin = 1;
  b->end = 2;
  b->next = a;
  pool.give(a);
  pool.give(b);
  EXPECT_EQ(pool.take(), b);
  EXPECT_EQ(b->begin, 0u);
  EXPECT_EQ(b->end, 0u);
  EXPECT_EQ(b->next, nullptr);
  EXPECT_EQ(pool.in_use(), 1u);
  pool.give(b);
}

TEST(BufferPool, no_more_than_the_bound_is_kept) {
  BufferPool pool;
  Chunk* all = nullptr;
  for (std::size_t i = 0; i < limits::pool_idle_chunks_max + 100; ++i) {
    Chunk* chunk = pool.take();
    chunk->next = all;
    all = chunk;
  }
  while (all != nullptr) {
    Chunk* next = all->next;
    pool.give(all);  // beyond the bound: freed, which the address sanitizer's leak check sees
    all = next;
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(Chunk, a_full_tls_record_fits) { EXPECT_GE(Chunk::capacity, 16384u + 256 + 5); }

}  // namespace
}  // namespace gh
