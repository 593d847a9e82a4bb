// SPDX-License-Identifier: Apache-2.0
// What claims of a JWT have in common: times as Go compares them, `aud` in its two forms. Pure.
#pragma once

#include "authz/identity/tokens/token_result.h"
#include "base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

inline constexpr std::int64_t claims_leeway_s = 60;  // go-jose's DefaultLeeway

// time.Unix(seconds, 0): seconds since the year 1, which wrap as Go's do. So `exp` close to 2^63 is
// long past.
class GoTime {
 public:
  static GoTime unix(std::int64_t seconds) noexcept {
    return GoTime(static_cast<std::int64_t>(static_cast<std::uint64_t>(seconds) + epoch));
  }

  static GoTime zero() noexcept { return GoTime(0); }  // time.Time{}

  GoTime plus(std::int64_t seconds) const noexcept { return GoTime(since_year_1_ + seconds); }

  bool before(GoTime other) const noexcept { return since_year_1_ < other.since_year_1_; }

  // The last second of the Unix clock that is not after this.
  UnixTime to_unix() const noexcept;

 private:
  explicit GoTime(std::int64_t seconds) : since_year_1_(seconds) {}

  static constexpr std::uint64_t epoch = 62135596800;
  std::int64_t since_year_1_;
};

bool contains(const std::vector<std::string>& texts, std::string_view text);

// %q of a []string: ["a" "b"].
std::string quoted_list(const std::vector<std::string>& texts);

}  // namespace gh::identity
