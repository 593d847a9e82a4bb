// SPDX-License-Identifier: Apache-2.0
// Words of one kind (verbs, API groups, resources, …) as small numbers, so that deciding compares
// numbers. In: intern() while a table is compiled.   Out: find() on the path: no allocation, no
// lock. Owner: a DecisionTable. Looking up never inserts, so clients cannot make it grow; the hash
// is seeded, so they cannot choose collisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::rbac {

using WordId = std::uint32_t;
inline constexpr WordId no_word = 0xffffffff;

// A short-string hash in the manner of wyhash: 16 bytes a step, one 64×64→128 multiplication each.
std::uint64_t hash_text(std::string_view text, std::uint64_t seed) noexcept;

class Interner {
 public:
  explicit Interner(std::uint64_t seed = 0) : seed_(seed) {}

  WordId intern(std::string_view word);

  WordId find(std::string_view word) const noexcept {
    return find_hashed(word, hash_text(word, seed_));
  }

  std::string_view word(WordId id) const noexcept {
    return {text_.data() + words_[id].at, words_[id].bytes};
  }

  std::size_t size() const noexcept { return words_.size(); }

  std::size_t memory() const noexcept;
  void reserve(std::size_t words);

  void shrink() { text_.shrink_to_fit(), words_.shrink_to_fit(); }

 private:
  struct Word {
    std::uint32_t at;
    std::uint32_t bytes;
  };

  struct Slot {
    std::uint32_t tag = 0;  // upper hash bits
    WordId id = no_word;
  };

  WordId find_hashed(std::string_view word, std::uint64_t hash) const noexcept {
    if (slots_.empty()) return no_word;
    const std::size_t mask = slots_.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot slot = slots_[at];
      if (slot.id == no_word) return no_word;
      if (slot.tag == tag && this->word(slot.id) == word) return slot.id;
    }
  }

  void rehash(std::size_t slots);

  std::uint64_t seed_;
  std::string text_;
  std::vector<Word> words_;
  std::vector<Slot> slots_;  // a power of two, at most 3/4 full
};

}  // namespace gh::authz::rbac
