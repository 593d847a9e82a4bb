// SPDX-License-Identifier: Apache-2.0
#include "authz/request_info.h"

#include "authz/go_text.h"
#include "authz/go_url.h"
#include "authz/selectors.h"
#include "base/hex.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

namespace gh::authz {

// The query parameters that RequestInfo reads: the first value of each, decoded.
struct ListQuery {
  std::optional<std::string_view> watch;
  std::optional<std::string_view> limit;
  std::optional<std::string_view> timeout_seconds;
  std::optional<std::string_view> field_selector;
  std::optional<std::string_view> label_selector;
};

namespace {

// net/url: more pieces than this, and there are no parameters at all.
constexpr std::size_t query_pieces_max = 10'000;

// Whether a byte no request line can carry is there: controls, space, DEL. Eight bytes a step.
bool has_refused_byte(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t tops = 0x8080808080808080;
  const auto refused_in = [](std::uint64_t eight) {
    const std::uint64_t del = eight ^ (ones * 0x7f);
    return (((eight - ones * 0x21) & ~eight) | ((del - ones) & ~del)) & tops;
  };
  std::uint64_t found = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text.data() + at, 8);
    found |= refused_in(eight);
  }
  if (at < text.size()) {
    std::uint64_t rest = ones * 'a';
    std::memcpy(&rest, text.data() + at, text.size() - at);
    found |= refused_in(rest);
  }
  return found != 0;
}

// Decodes in place; false on a bad escape. '+' stays unless it stands for a space (queries).
bool decode(char* text, std::size_t& bytes, bool plus_is_space) {
  std::size_t to = 0;
  for (std::size_t from = 0; from < bytes; ++from, ++to) {
    char c = text[from];
    if (c == '%') {
      if (from + 2 >= bytes) return false;
      const int high = hex_value(text[from + 1]);
      const int low = hex_value(text[from + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high << 4 | low);
      from += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    text[to] = c;
  }
  bytes = to;
  return true;
}

bool well_escaped(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) {
      return false;
    }
  }
  return true;
}

// Whether a raw (perhaps escaped) parameter name means `name`.
bool is_name(std::string_view raw, std::string_view name) {
  if (raw == name) return true;
  if (raw.size() <= name.size() || raw.find('%') == std::string_view::npos) return false;
  std::size_t at = 0;
  for (std::size_t i = 0; i < raw.size(); ++i, ++at) {
    char c = raw[i] == '+' ? ' ' : raw[i];
    if (c == '%') {
      c = static_cast<char>(hex_value(raw[i + 1]) << 4 | hex_value(raw[i + 2]));
      i += 2;
    }
    if (at >= name.size() || name[at] != c) return false;
  }
  return at == name.size();
}

// strings.EqualFold(text, "false"): U+017F folds to 's'.
bool folds_to_false(std::string_view text) {
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  std::size_t at = 0;
  for (const char want : std::string_view("false")) {
    if (at < text.size() && letter(text[at]) == want) {
      ++at;
    } else if (want == 's' && text.substr(at, 2) == "\xc5\xbf") {
      at += 2;
    } else {
      return false;
    }
  }
  return at == text.size();
}

// strings.ToLower(text) == "false": no letter outside ASCII becomes one of these.
bool lowers_to_false(std::string_view text) { return text.size() == 5 && folds_to_false(text); }

struct Method {
  std::string_view name;
  std::string_view lower;
  std::string_view verb;  // of a resource request
};

// Null for a method that means nothing to Kubernetes.
const Method* known_method(std::string_view method) {
  static constexpr Method known[] = {
      {"GET", "get", "get"},
      {"PUT", "put", "update"},
      {"POST", "post", "create"},
      {"HEAD", "head", "get"},
      {"PATCH", "patch", "patch"},
      {"DELETE", "delete", "delete"},
  };
  const Method& guess = [&]() -> const Method& {
    switch (method.size()) {
      case 3:
        return known[method[0] == 'P' ? 1 : 0];
      case 4:
        return known[method[0] == 'P' ? 2 : 3];
      case 5:
        return known[4];
      default:
        return known[5];
    }
  }();
  return guess.name == method ? &guess : nullptr;
}

bool is_namespace_subresource(std::string_view part) {
  return part == "status" || part == "finalize";
}

// The first parts of a path without its outer slashes; more than nine are not told apart.
struct Parts {
  static constexpr std::size_t most =
      9;  // apis, group, version, watch, namespaces, ns, resource, name, subresource
  std::array<std::string_view, most> at;
  std::size_t count = 0;
  std::string_view path;

  explicit Parts(std::string_view whole) {
    while (!whole.empty() && whole.front() == '/') whole.remove_prefix(1);
    while (!whole.empty() && whole.back() == '/') whole.remove_suffix(1);
    path = whole;
    if (path.empty()) return;
    const char* from = path.data();
    each_slash([&](std::size_t slash) {
      const char* const at_slash = path.data() + slash;
      at[count++] = {from, static_cast<std::size_t>(at_slash - from)};
      from = at_slash + 1;
      return count < most;
    });
    if (count < most)
      at[count++] = {from, static_cast<std::size_t>(path.data() + path.size() - from)};
  }

  // visit(offset) for each '/', until it says no. Eight bytes a step.
  template <class Visit>
  void each_slash(Visit visit) const {
    constexpr std::uint64_t low_bits = 0x7f7f7f7f7f7f7f7f;
    for (std::size_t base = 0; base < path.size(); base += 8) {
      std::uint64_t eight = 0;
      if (base + 8 <= path.size()) {
        std::memcpy(&eight, path.data() + base, 8);
      } else {
        std::memcpy(&eight, path.data() + base, path.size() - base);
      }
      if constexpr (std::endian::native == std::endian::big) eight = __builtin_bswap64(eight);
      eight ^= 0x2f2f2f2f2f2f2f2f;
      std::uint64_t zeros = ~(((eight & low_bits) + low_bits) | eight | low_bits);
      for (; zeros != 0; zeros &= zeros - 1) {
        if (!visit(base + static_cast<std::size_t>(std::countr_zero(zeros)) / 8)) return;
      }
    }
  }

  std::string_view from(std::size_t i) const {
    return path.substr(static_cast<std::size_t>(at[i].data() - path.data()));
  }
};

}  // namespace

std::string_view name_of(TargetError error) {
  switch (error) {
    case TargetError::bad_request:
      return "bad_request";
    case TargetError::options_asterisk:
      return "options_asterisk";
    case TargetError::unfinished_verb:
      return "unfinished_verb";
  }
  return "";
}

void RequestInfo::clear() noexcept {
  arena_.clear();
  values_.clear();
  raw_query_ = {};
  attributes_ = {};
  api_prefix_ = {};
  parts_text_ = {};
  field_selector_ = {};
  label_selector_ = {};
}

Result<void, TargetError> RequestInfo::parse(
    std::string_view method, std::string_view target
) noexcept {
  clear();
  const Method* const known = known_method(method);
  if (known == nullptr && !valid_method(method)) return fail(TargetError::bad_request);
  if (known != nullptr) attributes_.verb = known->lower;
  if (target.empty() || target[0] != '/') {
    if (method == "OPTIONS" && target == "*") return fail(TargetError::options_asterisk);
    auto url = go_request_url(method, target);
    if (!url) return fail(TargetError::bad_request);
    arena_ = url->path + url->raw_query;
    raw_query_ = std::string_view(arena_).substr(url->path.size());
    attributes_.path = std::string_view(arena_).substr(0, url->path.size());
  } else {
    if (has_refused_byte(target)) return fail(TargetError::bad_request);
    const std::size_t mark = target.find('?');
    arena_.assign(target);
    std::size_t path_bytes = std::min(mark, target.size());
    if (mark < target.size()) raw_query_ = std::string_view(arena_).substr(mark + 1);
    const bool escaped = target.substr(0, path_bytes).find('%') != std::string_view::npos;
    if (escaped && !decode(arena_.data(), path_bytes, false)) return fail(TargetError::bad_request);
    attributes_.path = std::string_view(arena_).substr(0, path_bytes);
  }
  // Room for an unusual method, every decoded value, and a name whose stray bytes become U+FFFD:
  // nothing moves later.
  if (const std::size_t room = method.size() + 4 * raw_query_.size(); room > values_.capacity()) {
    values_.reserve(room);
  }
  return read_resource_path(method, known != nullptr ? known->verb : std::string_view{});
}

std::string_view RequestInfo::keep(std::string_view text) noexcept {
  values_ += text;
  return std::string_view(values_).substr(values_.size() - text.size());
}

// request.RequestInfoFactory.NewRequestInfo
Result<void, TargetError> RequestInfo::read_resource_path(
    std::string_view method, std::string_view resource_verb
) noexcept {
  Attributes& a = attributes_;
  if (a.verb.empty()) {
    a.verb = keep(method);
    char* const text = values_.data() + (a.verb.data() - values_.data());
    for (std::size_t i = 0; i < a.verb.size(); ++i) {
      if (text[i] >= 'A' && text[i] <= 'Z') text[i] = static_cast<char>(text[i] | 0x20);
    }
  }
  const Parts parts(a.path);
  if (parts.count < 3) return {};
  const bool groupless = parts.at[0] == "api";
  if (!groupless && parts.at[0] != "apis") return {};
  api_prefix_ = parts.at[0];
  std::size_t i = 1;
  if (!groupless) {
    if (parts.count < 4) return {};
    a.api_group = parts.at[i++];
  }
  a.resource_request = true;
  a.api_version = parts.at[i++];
  const bool verb_in_path = parts.at[i] == "watch" || parts.at[i] == "proxy";
  if (verb_in_path) {
    if (parts.count - i < 2) return fail(TargetError::unfinished_verb);
    a.verb = parts.at[i++];
  } else {
    a.verb = resource_verb;
  }
  if (parts.at[i] == "namespaces" && parts.count - i > 1) {
    a.namespace_ = parts.at[i + 1];
    if (parts.count - i > 2 && !is_namespace_subresource(parts.at[i + 2])) i += 2;
  }
  parts_text_ = parts.from(i);
  a.resource = parts.at[i];
  if (parts.count - i >= 2) a.name = parts.at[i + 1];
  if (parts.count - i >= 3 && a.verb != "proxy") a.subresource = parts.at[i + 2];
  if (!verb_in_path) read_list_options();
  return {};
}

// The verbs that have no name in the path, and what the query says about them.
void RequestInfo::read_list_options() noexcept {
  Attributes& a = attributes_;
  if (!a.name.empty()) return;
  if (a.verb == "delete") {
    a.verb = "deletecollection";
  } else if (a.verb != "get") {
    return;
  } else {
    a.verb = "list";
  }
  if (raw_query_.empty()) return;
  ListQuery query;
  read_query(query);
  if (a.verb == "list") {
    const FieldSelectorName named = query.field_selector
                                        ? read_metadata_name(*query.field_selector, values_)
                                        : FieldSelectorName{};
    const bool parses = named.parses && (!query.limit || parse_int(*query.limit)) &&
                        (!query.timeout_seconds || parse_int(*query.timeout_seconds)) &&
                        (!query.label_selector || label_selector_parses(*query.label_selector));
    if (query.watch) {
      const bool off = *query.watch == "0" ||
                       (parses ? folds_to_false(*query.watch) : lowers_to_false(*query.watch));
      if (!off) a.verb = "watch";
    }
    if (parses && named.name && is_path_segment(*named.name)) a.name = *named.name;
  }
  field_selector_ = query.field_selector.value_or(std::string_view{});
  label_selector_ = query.label_selector.value_or(std::string_view{});
}

// url.ParseQuery, for the parameters asked for: pieces with a ';' or a bad escape do not count.
void RequestInfo::read_query(ListQuery& query) noexcept {
  std::string_view rest = raw_query_;
  if (rest.size() >= query_pieces_max &&
      std::count(rest.begin(), rest.end(), '&') >= static_cast<std::ptrdiff_t>(query_pieces_max)) {
    return;
  }
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view piece = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const std::size_t equals = piece.find('=');
    const std::string_view key = piece.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1);
    if (key.size() < 5 || piece.find(';') != std::string_view::npos || !well_escaped(key)) continue;
    std::optional<std::string_view>* const into =
        is_name(key, "watch")            ? &query.watch
        : is_name(key, "limit")          ? &query.limit
        : is_name(key, "fieldSelector")  ? &query.field_selector
        : is_name(key, "labelSelector")  ? &query.label_selector
        : is_name(key, "timeoutSeconds") ? &query.timeout_seconds
                                         : nullptr;
    if (into == nullptr || *into || !well_escaped(value)) continue;
    *into = decoded(value);
  }
}

std::string_view RequestInfo::decoded(std::string_view value) noexcept {
  if (value.find('%') == std::string_view::npos && value.find('+') == std::string_view::npos)
    return value;
  const std::size_t from = values_.size();
  values_ += value;
  std::size_t bytes = value.size();
  decode(values_.data() + from, bytes, true);
  values_.resize(from + bytes);
  return std::string_view(values_).substr(from);
}

std::vector<std::string_view> RequestInfo::parts() const {
  std::vector<std::string_view> out;
  if (!attributes_.resource_request || parts_text_.data() == nullptr) return out;
  std::string_view rest = parts_text_;
  for (;;) {
    const std::size_t slash = rest.find('/');
    out.push_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    rest.remove_prefix(slash + 1);
  }
}

bool RequestInfo::long_running() const noexcept {
  const Attributes& a = attributes_;
  if (a.verb == "watch" || a.verb == "proxy") return true;
  if (!a.resource_request) return a.path.starts_with("/debug/pprof/");
  const std::string_view sub = a.subresource;
  return !sub.empty() && (sub == "exec" || sub == "attach" || sub == "portforward" ||
                          sub == "log" || sub == "proxy");
}

bool RequestInfo::needs_create_too() const noexcept {
  const Attributes& a = attributes_;
  return a.resource_request && a.resource == "pods" && a.api_group.empty() && a.verb != "create" &&
         (a.subresource == "exec" || a.subresource == "attach" || a.subresource == "portforward");
}

std::string unfinished_verb_text(std::string_view method, std::string_view target) {
  const auto url = go_request_url(method, target);
  return "unable to determine kind and namespace from url, " +
         (url ? url->to_string() : std::string(target));
}

std::string unfinished_verb_body(std::string_view method, std::string_view target) {
  return html_escaped(
             "Internal Server Error: " + go_quoted(target) +
             ": failed to create RequestInfo: " + unfinished_verb_text(method, target)
         ) +
         "\n";
}

}  // namespace gh::authz
