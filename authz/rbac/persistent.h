// SPDX-License-Identifier: Apache-2.0
// Containers whose copies share what did not change: a copy costs a pointer a page, an edit clones
// one page. In: control's edits of its own copy.   Out: reads of any copy, by any thread, without
// counting. Owner: each DecisionTable holds a copy, the PolicyCompiler the one that is edited;
// copies are made, edited and destroyed by control only (base/rcu.h frees there), workers read.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::authz::rbac {

struct NoHeader {};

// A counted array that is one allocation: header, then items. Null or of a fixed size.
template <class Item, class Header = NoHeader>
class SharedArray {
 public:
  SharedArray() = default;

  explicit SharedArray(std::size_t size, const Header& header = {}) {
    void* const at = ::operator new(sizeof(Block) + size * sizeof(Item));
    block_ = new (at) Block{{1}, static_cast<std::uint32_t>(size), header};
    std::uninitialized_value_construct_n(items(), size);
  }

  SharedArray(const SharedArray& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->uses.fetch_add(1, std::memory_order_relaxed);
  }

  SharedArray(SharedArray&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

  SharedArray& operator=(SharedArray other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }

  ~SharedArray() {
    if (block_ == nullptr || block_->uses.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    std::destroy_n(items(), block_->size);
    block_->~Block();
    ::operator delete(block_);
  }

  explicit operator bool() const noexcept { return block_ != nullptr; }

  bool operator==(const SharedArray& other) const noexcept { return block_ == other.block_; }

  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }

  const Item* data() const noexcept { return block_ == nullptr ? nullptr : items(); }

  const Item& operator[](std::size_t i) const noexcept { return items()[i]; }

  const Header& header() const noexcept { return block_->header; }

  Header& header() noexcept { return block_->header; }

  // To write to: nobody but `owners` pointers of the editor's hold it, or the caller writes where
  // nobody reads yet.
  Item* edit() noexcept { return items(); }

  bool held_by_more_than(std::uint32_t owners) const noexcept {
    return block_->uses.load(std::memory_order_acquire) > owners;
  }

  SharedArray clone() const {
    SharedArray copy(size(), header());
    std::copy_n(items(), size(), copy.items());
    return copy;
  }

  std::size_t memory() const noexcept {
    return block_ == nullptr ? 0 : sizeof(Block) + block_->size * sizeof(Item);
  }

 private:
  struct alignas(alignof(Item) > 8 ? alignof(Item) : 8) Block {
    std::atomic<std::uint32_t> uses;
    std::uint32_t size;
    [[no_unique_address]] Header header;
  };

  Item* items() const noexcept { return reinterpret_cast<Item*>(block_ + 1); }

  Block* block_ = nullptr;
};

// Numbered items, in pages.
template <class Item>
class Pages {
 public:
  std::size_t size() const noexcept { return size_; }

  const Item& operator[](std::size_t i) const noexcept {
    return pages_[i / page_items][i % page_items];
  }

  Item& edit(std::size_t i) {
    auto& page = pages_[i / page_items];
    if (page.held_by_more_than(1)) page = page.clone();
    return page.edit()[i % page_items];
  }

  std::uint32_t add() {
    if (size_ == pages_.size() * page_items) pages_.emplace_back(page_items);
    return static_cast<std::uint32_t>(size_++);
  }

  std::size_t memory() const noexcept {
    return pages_.capacity() * sizeof(pages_[0]) +
           (pages_.empty() ? 0 : pages_.size() * pages_[0].memory());
  }

 private:
  static constexpr std::size_t page_items = 128;
  std::vector<SharedArray<Item>> pages_;
  std::size_t size_ = 0;
};

// Texts, appended only, each at its place for good. What is no longer named stays until the table
// is compiled afresh.
class Texts {
 public:
  std::string_view add(std::string_view text);

  void forget(std::string_view text) noexcept { dead_ += text.size(); }

  // More is garbage than is in use.
  bool wants_sweeping() const noexcept { return dead_ > bytes_ / 2 + sweep_above; }

  std::size_t memory() const noexcept { return pages_.capacity() * sizeof(pages_[0]) + held_; }

 private:
  static constexpr std::size_t page_bytes_min = 512;
  static constexpr std::size_t page_bytes_max = 64 * 1024;
  static constexpr std::size_t sweep_above = 256 * 1024;

  std::vector<SharedArray<char>> pages_;  // a long text has a page of its own
  std::size_t used_ = 0;                  // of the last page
  std::size_t bytes_ = 0;
  std::size_t dead_ = 0;
  std::size_t held_ = 0;
};

// An extendible hash table: a directory of small open-addressing shards; a full shard splits, and
// the directory doubles when it must, so no single insertion moves more than a shard.
// Slot: std::uint32_t hash() const, bool empty() const, empty when zero-initialised.
template <class Slot>
class HashShards {
 public:
  // same(slot) is asked for slots of that hash only.
  template <class Same>
  const Slot* find(std::uint32_t hash, Same same) const noexcept {
    if (directory_.empty()) return nullptr;
    const Shard& shard = directory_[index_of(hash)];
    const std::size_t mask = shard.size() - 1;
    const Slot* const slots = &shard[0];
    for (std::size_t at = hash & mask; !slots[at].empty(); at = (at + 1) & mask) {
      if (slots[at].hash() == hash && same(slots[at])) return &slots[at];
    }
    return nullptr;
  }

  template <class Same>
  Slot* edit(std::uint32_t hash, Same same) {
    const Slot* const slot = find(hash, same);
    if (slot == nullptr) return nullptr;
    const auto at = static_cast<std::size_t>(slot - directory_[index_of(hash)].data());
    return &writable(hash).edit()[at];
  }

  // A place for a slot that is not there yet; the caller fills it at once.
  Slot& insert(std::uint32_t hash) {
    if (directory_.empty()) directory_.emplace_back(first_slots);
    while (is_full(directory_[index_of(hash)])) grow(hash);
    Shard& shard = writable(hash);
    ++shard.header().count;
    ++size_;
    return free_slot(shard, hash);
  }

  template <class Same>
  void erase(std::uint32_t hash, Same same) {
    Slot* const slot = edit(hash, same);
    GH_ASSERT(slot != nullptr);
    Shard& shard = directory_[index_of(hash)];
    Slot* const slots = shard.edit();
    const std::size_t mask = shard.size() - 1;
    // Later slots of the run move up, so that no search ends too early.
    auto hole = static_cast<std::size_t>(slot - slots);
    for (std::size_t at = (hole + 1) & mask; !slots[at].empty(); at = (at + 1) & mask) {
      const std::size_t home = slots[at].hash() & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = std::move(slots[at]);
      hole = at;
    }
    slots[hole] = Slot{};
    --shard.header().count;
    --size_;
  }

  std::size_t size() const noexcept { return size_; }

  std::size_t memory() const noexcept {
    std::size_t bytes = directory_.capacity() * sizeof(directory_[0]);
    for (std::size_t i = 0; i < directory_.size(); i += span_of(directory_[i]))
      bytes += directory_[i].memory();
    return bytes;
  }

 private:
  struct ShardHeader {
    std::uint32_t count = 0;
    std::uint32_t depth = 0;  // leading hash bits that its slots have in common
  };

  using Shard = SharedArray<Slot, ShardHeader>;

  static constexpr std::size_t first_slots = 8;
  static constexpr std::size_t shard_slots = 512;
  static constexpr std::uint32_t depth_max = 20;  // then shards grow instead

  std::size_t index_of(std::uint32_t hash) const noexcept {
    return static_cast<std::size_t>(std::uint64_t{hash} << depth_ >> 32);
  }

  // Entries of the directory that lead to this shard.
  std::size_t span_of(const Shard& shard) const noexcept {
    return std::size_t{1} << (depth_ - shard.header().depth);
  }

  std::size_t first_of(const Shard& shard, std::uint32_t hash) const noexcept {
    return index_of(hash) & ~(span_of(shard) - 1);
  }

  static bool is_full(const Shard& shard) noexcept {
    return (shard.header().count + 1) * 4 > shard.size() * 3;
  }

  static Slot& free_slot(Shard& shard, std::uint32_t hash) noexcept {
    const std::size_t mask = shard.size() - 1;
    std::size_t at = hash & mask;
    while (!shard[at].empty()) at = (at + 1) & mask;
    return shard.edit()[at];
  }

  Shard& writable(std::uint32_t hash) {
    const std::size_t index = index_of(hash);
    const std::size_t span = span_of(directory_[index]);
    if (directory_[index].held_by_more_than(static_cast<std::uint32_t>(span))) {
      const std::size_t first = first_of(directory_[index], hash);
      put(first, span, directory_[index].clone());
    }
    return directory_[index];
  }

  void put(std::size_t first, std::size_t span, const Shard& shard) {
    for (std::size_t i = first; i < first + span; ++i) directory_[i] = shard;
  }

  void grow(std::uint32_t hash) {
    const Shard full = directory_[index_of(hash)];
    const std::uint32_t depth = full.header().depth;
    if (full.size() < shard_slots || depth == depth_max) {
      Shard wider(full.size() * 2, full.header());
      for (std::size_t i = 0; i < full.size(); ++i) {
        if (!full[i].empty()) free_slot(wider, full[i].hash()) = full[i];
      }
      return put(first_of(full, hash), span_of(full), wider);
    }
    if (depth == depth_) double_directory();
    Shard halves[2] = {Shard(full.size(), {0, depth + 1}), Shard(full.size(), {0, depth + 1})};
    for (std::size_t i = 0; i < full.size(); ++i) {
      if (full[i].empty()) continue;
      Shard& half = halves[full[i].hash() >> (31 - depth) & 1];
      free_slot(half, full[i].hash()) = full[i];
      ++half.header().count;
    }
    const std::size_t first = first_of(full, hash);
    const std::size_t span = span_of(full) / 2;
    put(first, span, halves[0]);
    put(first + span, span, halves[1]);
  }

  void double_directory() {
    std::vector<Shard> wider;
    wider.reserve(directory_.size() * 2);
    for (const Shard& shard : directory_) {
      wider.push_back(shard);
      wider.push_back(shard);
    }
    directory_ = std::move(wider);
    ++depth_;
  }

  std::vector<Shard> directory_;
  std::uint32_t depth_ = 0;  // the directory has 2^depth_ entries
  std::size_t size_ = 0;
};

}  // namespace gh::authz::rbac
