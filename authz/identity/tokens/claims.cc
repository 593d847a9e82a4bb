// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/claims.h"

#include "authz/go_text.h"

#include <algorithm>

namespace gh::identity {

UnixTime GoTime::to_unix() const noexcept {
  std::int64_t seconds = 0;
  if (__builtin_sub_overflow(since_year_1_, static_cast<std::int64_t>(epoch), &seconds))
    seconds = std::numeric_limits<std::int64_t>::min();
  return {seconds};
}

bool contains(const std::vector<std::string>& texts, std::string_view text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? " " : "") + authz::go_quoted(text);
  return out + "]";
}

}  // namespace gh::identity
