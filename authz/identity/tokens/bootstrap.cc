// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/bootstrap.h"

#include <algorithm>
#include <set>

namespace gh::identity {
namespace {

constexpr std::string_view name_prefix = "bootstrap-token-";
constexpr std::string_view group_prefix = "system:bootstrappers:";

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_id_char(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }

bool all_id_chars(std::string_view text, std::size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), is_id_char);
}

// \Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z
bool is_group(std::string_view group) {
  if (!group.starts_with(group_prefix)) return false;
  group.remove_prefix(group_prefix.size());
  const auto allowed = [](char c) { return is_id_char(c) || c == ':' || c == '-'; };
  return !group.empty() && group.size() <= 256 && is_id_char(group.back()) &&
         std::all_of(group.begin(), group.end(), allowed);
}

// Sorted, without repeats; null: a name that is not allowed.
std::optional<std::vector<std::string>> groups_of(std::string_view extra) {
  std::set<std::string> groups = {"system:bootstrappers"};
  while (!extra.empty()) {
    const std::size_t comma = extra.find(',');
    const std::string_view group = extra.substr(0, comma);
    if (!is_group(group)) return std::nullopt;
    groups.emplace(group);
    if (comma == extra.npos) break;
    extra.remove_prefix(comma + 1);
    if (extra.empty()) return std::nullopt;  // a comma at the end: an empty name
  }
  return std::vector<std::string>(groups.begin(), groups.end());
}

// ---- time.Parse ----

// Reads along a text; once something does not fit, everything after fails too.
class TimeText {
 public:
  explicit TimeText(std::string_view text) : rest_(text) {}

  // getnum: two digits, or one where `loose`.
  int number(bool loose) {
    if (rest_.empty() || !is_digit(rest_[0])) return bad();
    if (rest_.size() < 2 || !is_digit(rest_[1])) return loose ? take_digits(1) : bad();
    return take_digits(2);
  }

  int year() {
    if (rest_.size() < 4 || !std::all_of(rest_.begin(), rest_.begin() + 4, is_digit)) return bad();
    return take_digits(4);
  }

  void word(char c) {
    if (rest_.starts_with(c))
      rest_.remove_prefix(1);
    else
      bad();
  }

  // True: there is one, and it is not zero.
  bool fraction() {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1]))
      return false;
    std::size_t end = 1;
    bool some = false;
    for (; end < rest_.size() && is_digit(rest_[end]); ++end)
      some = some || (end <= 9 && rest_[end] != '0');
    rest_.remove_prefix(end);
    return some;
  }

  // Seconds east of UTC. Offsets of 24 hours and of 60 minutes pass, as Go lets them.
  std::int64_t zone() {
    if (rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return 0;
    }
    if (rest_.size() < 6 || (rest_[0] != '+' && rest_[0] != '-') || rest_[3] != ':') return bad();
    const std::int64_t sign = rest_[0] == '-' ? -1 : 1;
    rest_.remove_prefix(1);
    const int hours = number(false);
    word(':');
    const int minutes = number(false);
    if (hours > 24 || minutes > 60) return bad();
    return sign * (hours * 60 + minutes) * 60;
  }

  int bad() {
    good_ = false;
    return 0;
  }

  bool finished() const { return good_ && rest_.empty(); }

 private:
  int take_digits(std::size_t count) {
    int value = 0;
    for (const char c : rest_.substr(0, count)) value = value * 10 + (c - '0');
    rest_.remove_prefix(count);
    return value;
  }

  std::string_view rest_;
  bool good_ = true;
};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in(int month, int year) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

// Days from 1970-01-01 in the Gregorian calendar.
std::int64_t days_from_epoch(int year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

}  // namespace

std::optional<UnixTime> parse_rfc3339(std::string_view text) {
  TimeText at(text);
  const int year = at.year();
  at.word('-');
  const int month = at.number(false);
  at.word('-');
  const int day = at.number(false);
  at.word('T');
  const int hour = at.number(true);
  at.word(':');
  const int minute = at.number(false);
  at.word(':');
  const int second = at.number(false);
  const bool fraction = at.fraction();
  const std::int64_t offset = at.zone();
  if (!at.finished() || month < 1 || month > 12 || day < 1 || day > days_in(month, year) ||
      hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const std::int64_t of_day = (std::int64_t{hour} * 60 + minute) * 60 + second;
  return UnixTime{days_from_epoch(year, month, day) * 86400 + of_day - offset + (fraction ? 1 : 0)};
}

std::string_view BootstrapSecret::value(std::string_view key) const {
  const auto found = data.find(key);
  return found == data.end() ? std::string_view{} : std::string_view(found->second);
}

Outcome<BootstrapTokens> BootstrapTokens::make() {
  BootstrapTokens tokens;
  if (!tls::random_bytes(tokens.key_)) return fault("no random bytes to be had");
  return tokens;
}

Result<void, std::string> BootstrapTokens::add(const BootstrapSecret& secret) {
  const std::string_view name = secret.name;
  const std::string_view id =
      name.starts_with(name_prefix) ? name.substr(name_prefix.size()) : std::string_view{};
  if (!all_id_chars(id, 6))
    return fail(std::string("its name is not bootstrap-token- and six of a-z, 0-9"));
  if (secret.deleted) return fail(std::string("it is deleted and awaits removal"));
  if (secret.type != "bootstrap.kubernetes.io/token")
    return fail(std::string("its type is not bootstrap.kubernetes.io/token"));
  if (!all_id_chars(secret.value("token-secret"), 16))
    return fail(std::string("token-secret is not sixteen of a-z, 0-9"));
  if (secret.value("token-id") != id)
    return fail(std::string("token-id is not the one in its name"));
  if (secret.value("usage-bootstrap-authentication") != "true")
    return fail(std::string("usage-bootstrap-authentication is not true"));
  auto groups = groups_of(secret.value("auth-extra-groups"));
  if (!groups)
    return fail(std::string("auth-extra-groups holds a name that is not allowed for such tokens"));
  Token token;
  token.groups = std::move(*groups);
  if (const std::string_view text = secret.value("expiration"); !text.empty()) {
    token.expires = parse_rfc3339(text);
    if (!token.expires) return fail(std::string("expiration is no RFC 3339 time"));
  }
  if (!tls::hmac_sha256(key_, as_bytes(secret.value("token-secret")), token.secret))
    return fail(std::string("the TLS library has no HMAC"));
  tokens_.insert_or_assign(std::string(id), std::move(token));
  return {};
}

TokenResult BootstrapTokens::judge(std::string_view token, UnixTime now) const {
  if (token.size() != 23 || token[6] != '.' || !all_id_chars(token.substr(0, 6), 6) ||
      !all_id_chars(token.substr(7), 16))
    return TokenResult::pass();
  const auto found = tokens_.find(token.substr(0, 6));
  tls::Digest256 digest{};
  if (found == tokens_.end() || !tls::hmac_sha256(key_, as_bytes(token.substr(7)), digest))
    return TokenResult::pass();
  const Token& known = found->second;
  if (!tls::equal_in_constant_time(digest, known.secret)) return TokenResult::pass();
  if (known.expires && *known.expires <= now) return TokenResult::pass();
  Identity who;
  who.user = "system:bootstrap:" + found->first;
  who.groups = known.groups;
  const UnixTime until = known.expires ? UnixTime{known.expires->seconds - 1} : forever;
  return TokenResult::accept(TokenKind::bootstrap, std::move(who), until);
}

}  // namespace gh::identity
