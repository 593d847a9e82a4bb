// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/interner.h"

#include "base/assert.h"

namespace gh::authz::rbac {
namespace {

constexpr std::uint64_t secret_0 = 0xa0761d6478bd642fULL;
constexpr std::uint64_t secret_1 = 0xe7037ed1a0b428dbULL;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load8(const char* at) {
  std::uint64_t value;
  std::memcpy(&value, at, 8);
  return value;
}

std::uint64_t load4(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, 4);
  return value;
}

}  // namespace

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) noexcept {
  const char* at = text.data();
  const std::size_t bytes = text.size();
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (bytes <= 16) {
    if (bytes >= 8) {
      a = load8(at);
      b = load8(at + bytes - 8);
    } else if (bytes >= 4) {
      a = load4(at);
      b = load4(at + bytes - 4);
    } else if (bytes > 0) {
      const auto byte = [&](std::size_t i) {
        return std::uint64_t{static_cast<unsigned char>(at[i])};
      };
      a = byte(0) << 16 | byte(bytes / 2) << 8 | byte(bytes - 1);
    }
  } else {
    std::size_t left = bytes;
    for (; left > 16; left -= 16, at += 16) seed = mix(load8(at) ^ secret_1, load8(at + 8) ^ seed);
    a = load8(at + left - 16);
    b = load8(at + left - 8);
  }
  return mix(secret_1 ^ bytes, mix(a ^ secret_1, b ^ seed ^ secret_0));
}

WordId Interner::intern(std::string_view word) {
  const std::uint64_t hash = hash_text(word, seed_);
  if (const WordId known = find_hashed(word, hash); known != no_word) return known;
  if ((words_.size() + 1) * 4 > slots_.size() * 3) rehash(slots_.empty() ? 16 : slots_.size() * 2);
  GH_ASSERT(text_.size() + word.size() < 0xffffffff && words_.size() < no_word - 1);
  const auto id = static_cast<WordId>(words_.size());
  words_.push_back(
      {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(word.size())}
  );
  text_ += word;
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].id != no_word) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {static_cast<std::uint32_t>(hash >> 32), id};
  return id;
}

void Interner::rehash(std::size_t slots) {
  slots_.assign(slots, {});
  for (WordId id = 0; id < words_.size(); ++id) {
    const std::uint64_t hash = hash_text(word(id), seed_);
    std::size_t at = hash & (slots - 1);
    while (slots_[at].id != no_word) at = (at + 1) & (slots - 1);
    slots_[at] = {static_cast<std::uint32_t>(hash >> 32), id};
  }
}

void Interner::reserve(std::size_t words) {
  std::size_t slots = 16;
  while (slots * 3 < words * 4) slots *= 2;
  if (slots > slots_.size()) rehash(slots);
  words_.reserve(words);
}

std::size_t Interner::memory() const noexcept {
  return text_.capacity() + words_.capacity() * sizeof(Word) + slots_.capacity() * sizeof(Slot);
}

}  // namespace gh::authz::rbac
