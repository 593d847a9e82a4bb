// SPDX-License-Identifier: Apache-2.0
// SipHash (Aumasson, Bernstein 2012): a keyed hash that a peer who picks the input cannot steer.
// 1-3 for tables, 2-4 where the value itself is a secret (sequence numbers, SYN cookies). Input is
// whole words; pad and tag short input.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>

namespace gh {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

template <int compress, int finish>
constexpr std::uint64_t siphash(const SipKey& key, std::initializer_list<std::uint64_t> words) {
  std::uint64_t v0 = key.k0 ^ 0x736f6d6570736575, v1 = key.k1 ^ 0x646f72616e646f6d;
  std::uint64_t v2 = key.k0 ^ 0x6c7967656e657261, v3 = key.k1 ^ 0x7465646279746573;
  const auto round = [&] {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  };
  const auto absorb = [&](std::uint64_t word) {
    v3 ^= word;
    for (int i = 0; i < compress; ++i) round();
    v0 ^= word;
  };
  for (const std::uint64_t word : words) absorb(word);
  absorb(static_cast<std::uint64_t>(words.size() * 8) << 56);
  v2 ^= 0xff;
  for (int i = 0; i < finish; ++i) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

constexpr std::uint64_t siphash13(const SipKey& key, std::initializer_list<std::uint64_t> words) {
  return siphash<1, 3>(key, words);
}

constexpr std::uint64_t siphash24(const SipKey& key, std::initializer_list<std::uint64_t> words) {
  return siphash<2, 4>(key, words);
}

}  // namespace gh
