// SPDX-License-Identifier: Apache-2.0
#include "control/suggest.h"

#include <algorithm>
#include <vector>

namespace gh::control {
namespace {

constexpr std::size_t word_max = 64;  // longer words are nobody's typing error

// Letters and digits in lower case: tlsCertFile, TLS_CERT_FILE and tls-cert-file are one word.
std::string folded(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (c != '-' && c != '_') {
      out += c;
    }
  }
  return out;
}

// Optimal string alignment: a swap of neighbours counts as one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > word_max) return {};
  const std::string asked = folded(word);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, asked.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t far = distance(asked, folded(candidate));
    if (far >= best_distance) continue;
    best = candidate;
    best_distance = far;
  }
  return best;
}

std::string did_you_mean(
    std::string_view word, std::span<const std::string_view> known, std::string_view prefix
) {
  const std::string_view best = nearest(word, known);
  if (best.empty()) return {};
  return ", did you mean \"" + std::string(prefix) + std::string(best) + "\"?";
}

}  // namespace gh::control
