// SPDX-License-Identifier: Apache-2.0
// Words of one kind (verbs, API groups, resources, users, …) as small numbers, so that deciding
// compares numbers. In: intern() while a table is compiled.   Out: find() on the path: no
// allocation, no lock. Owner: a DecisionTable; copies share (persistent.h). Looking up never
// inserts, so clients cannot make it grow; the hash is seeded, so they cannot choose collisions.
#pragma once

#include "authz/rbac/persistent.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gh::authz::rbac {

using WordId = std::uint32_t;
inline constexpr WordId no_word = 0xffffffff;

// A short-string hash in the manner of wyhash: 16 bytes a step, one 64×64→128 multiplication each.
std::uint64_t hash_text(std::string_view text, std::uint64_t seed) noexcept;

struct NumberSlot {
  std::uint32_t hash_ = 0;
  std::uint32_t number = 0;  // + 1; 0: empty

  std::uint32_t hash() const noexcept { return hash_; }

  bool empty() const noexcept { return number == 0; }
};

struct Word {
  const char* at = nullptr;
  std::uint32_t bytes = 0;
  std::uint32_t uses = 0;  // control's count, where words come and go

  std::string_view text() const noexcept { return {at, bytes}; }
};

// `Entry` is a Word and what else is known of it.
template <class Entry>
class Interner {
 public:
  explicit Interner(std::uint64_t seed = 0) : seed_(seed) {}

  WordId find(std::string_view word) const noexcept { return find_hashed(word, hash_of(word)); }

  std::string_view word(WordId id) const noexcept { return entries_[id].text(); }

  const Entry& operator[](WordId id) const noexcept { return entries_[id]; }

  Entry& edit(WordId id) { return entries_.edit(id); }

  WordId intern(std::string_view word) {
    const std::uint32_t hash = hash_of(word);
    if (const WordId known = find_hashed(word, hash); known != no_word) return known;
    WordId id = first_free_;
    if (id == no_word) {
      GH_ASSERT(entries_.size() < no_word - 1 && word.size() < not_there);
      id = entries_.add();
    } else {
      first_free_ = entries_[id].uses;
    }
    const std::string_view text = texts_.add(word);
    Entry& entry = entries_.edit(id);
    entry = Entry{};
    entry.at = text.data();
    entry.bytes = static_cast<std::uint32_t>(text.size());
    slots_.insert(hash) = {hash, id + 1};
    return id;
  }

  // The number may be another word's from now on.
  void erase(WordId id) {
    slots_.erase(hash_of(word(id)), [&](const NumberSlot& slot) { return slot.number == id + 1; });
    Entry& entry = entries_.edit(id);
    texts_.forget(entry.text());
    entry = Entry{};
    entry.bytes = not_there;
    entry.uses = first_free_;
    first_free_ = id;
  }

  bool is_there(WordId id) const noexcept { return entries_[id].bytes != not_there; }

  std::size_t size() const noexcept { return slots_.size(); }

  bool wants_sweeping() const noexcept { return texts_.wants_sweeping(); }

  std::size_t memory() const noexcept {
    return slots_.memory() + entries_.memory() + texts_.memory();
  }

 private:
  static constexpr std::uint32_t not_there = 0xffffffff;

  std::uint32_t hash_of(std::string_view word) const noexcept {
    return static_cast<std::uint32_t>(hash_text(word, seed_) >> 32);
  }

  WordId find_hashed(std::string_view word, std::uint32_t hash) const noexcept {
    const NumberSlot* const slot =
        slots_.find(hash, [&](const NumberSlot& at) { return this->word(at.number - 1) == word; });
    return slot == nullptr ? no_word : slot->number - 1;
  }

  std::uint64_t seed_;
  HashShards<NumberSlot> slots_;
  Pages<Entry> entries_;
  Texts texts_;
  WordId first_free_ = no_word;  // a chain through `uses`
};

}  // namespace gh::authz::rbac
