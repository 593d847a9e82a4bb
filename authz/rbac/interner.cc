// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/interner.h"

#include <algorithm>
#include <cstring>

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

std::string_view Texts::add(std::string_view text) {
  if (text.empty()) return {};
  if (pages_.empty() || pages_.back().size() - used_ < text.size()) {
    const std::size_t doubled = page_bytes_min << std::min<std::size_t>(pages_.size(), 7);
    pages_.emplace_back(std::max(std::min(doubled, page_bytes_max), text.size()));
    held_ += pages_.back().memory();
    used_ = 0;
  }
  // Copies of this share the page, but know of no bytes beyond those that were there.
  char* const at = pages_.back().edit() + used_;
  std::memcpy(at, text.data(), text.size());
  used_ += text.size();
  bytes_ += text.size();
  return {at, text.size()};
}

}  // namespace gh::authz::rbac
