// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/difference.h"

#include "authz/identity/identity.h"
#include "base/limits.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace gh::authz::rbac {
namespace {

// ---- boxes: what a rule allows, as a product of lists of words ----
enum Side : std::size_t { verbs, groups, resources, names, urls, sides };

using Words = std::vector<std::string>;

// No scope: cluster-wide.
struct Box {
  std::optional<std::string> scope;
  std::array<Words, sides> words;  // sorted, once each; of URLs: verbs and urls only
  bool any_name = true;
  bool of_urls = false;
  auto operator<=>(const Box&) const = default;
};

bool is_prefix(std::string_view url) { return url.ends_with('*'); }

std::string_view without_stars(std::string_view url) {
  return url.substr(0, url.find_last_not_of('*') + 1);
}

bool url_holds(std::string_view wide, std::string_view url) {
  if (wide == url) return true;
  return is_prefix(wide) && without_stars(url).starts_with(without_stars(wide));
}

// `*` holds all; `*/sub` that subresource of every resource. A star in `word` is all that it stands
// for, so that only a star holds it.
bool resource_holds(std::string_view wide, std::string_view word) {
  if (wide == "*" || wide == word) return true;
  const auto slash = word.find('/');
  return wide.starts_with("*/") && slash != word.npos && slash + 1 < word.size() &&
         wide.substr(2) == word.substr(slash + 1);
}

bool word_holds(Side side, std::string_view wide, std::string_view word) {
  switch (side) {
    case verbs:
    case groups:
      return wide == "*" || wide == word;
    case resources:
      return resource_holds(wide, word);
    case urls:
      return url_holds(wide, word);
    case names:
    case sides:
      break;
  }
  return wide == word;
}

bool side_holds(const Box& box, Side side, std::string_view word) {
  if (side == names && box.any_name) return true;
  return std::any_of(box.words[side].begin(), box.words[side].end(), [&](const std::string& wide) {
    return word_holds(side, wide, word);
  });
}

// Sorted, once each, without what a star among them stands for.
void normalize(Side side, Words& words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  if (side == names) return;
  Words wide;
  std::copy_if(words.begin(), words.end(), std::back_inserter(wide), [](const std::string& word) {
    return word.find('*') != word.npos;
  });
  std::erase_if(words, [&](const std::string& word) {
    return std::any_of(wide.begin(), wide.end(), [&](const std::string& other) {
      // Two that hold each other ("/a*", "/a**") are one: the first stays.
      return other != word && word_holds(side, other, word) &&
             (!word_holds(side, word, other) || other < word);
    });
  });
}

// The sides that count for it.
std::vector<Side> sides_of(const Box& box) {
  if (box.of_urls) return {verbs, urls};
  if (box.any_name) return {verbs, groups, resources};
  return {verbs, groups, resources, names};
}

bool scope_holds(const Box& wide, const Box& box) { return !wide.scope || wide.scope == box.scope; }

bool holds(const Box& wide, const Box& box) {
  if (wide.of_urls != box.of_urls || !scope_holds(wide, box) || (box.any_name && !wide.any_name))
    return false;
  for (const Side side : sides_of(box)) {
    const bool all =
        std::all_of(box.words[side].begin(), box.words[side].end(), [&](const std::string& word) {
          return side_holds(wide, side, word);
        });
    if (!all) return false;
  }
  return true;
}

// ---- what two boxes have in common ----

// The words of both; a star gives way to what the other has.
Words common_words(Side side, const Words& a, const Words& b) {
  Words out;
  for (const std::string& word : a) {
    for (const std::string& other : b) {
      if (word_holds(side, other, word)) {
        out.push_back(word);
      } else if (word_holds(side, word, other)) {
        out.push_back(other);
      }
    }
  }
  normalize(side, out);
  return out;
}

std::optional<Box> common(const Box& a, const Box& b) {
  if (a.of_urls != b.of_urls || (a.scope && b.scope && a.scope != b.scope)) return std::nullopt;
  Box out;
  out.of_urls = a.of_urls;
  out.scope = a.scope ? a.scope : b.scope;
  out.any_name = a.any_name && b.any_name;
  for (const Side side : sides_of(out)) {
    if (side == names && (a.any_name || b.any_name)) {
      out.words[names] = a.any_name ? b.words[names] : a.words[names];
      continue;
    }
    out.words[side] = common_words(side, a.words[side], b.words[side]);
    if (out.words[side].empty()) return std::nullopt;
  }
  return out;
}

// ---- one policy's boxes less another's ----
class Subtraction {
 public:
  explicit Subtraction(std::size_t lines_max) : lines_max_(lines_max) {}

  // False: too many.
  bool take_away(const Box& box, const std::vector<Box>& others) {
    std::vector<const Box*> near;
    for (const Box& other : others) {
      if (may_hold(other, box)) near.push_back(&other);
    }
    return split(box, near);
  }

  std::vector<Box>& left() { return left_; }

 private:
  // Some part of it.
  static bool may_hold(const Box& other, const Box& box) {
    return scope_holds(other, box) && (other.any_name || !box.any_name) && common(other, box);
  }

  // Splits the box where the others differ about its words. What is left whole is in none of them,
  // but for what a star stands for.
  bool split(const Box& box, const std::vector<const Box*>& others) {
    if (++steps_ > limits::difference_steps_max) return false;
    if (std::any_of(others.begin(), others.end(), [&](const Box* other) {
          return holds(*other, box);
        }))
      return true;
    for (const Side side : sides_of(box)) {
      std::map<std::vector<bool>, Words> parts;  // by which others hold a word
      for (const std::string& word : box.words[side]) {
        std::vector<bool> held;
        for (const Box* other : others) held.push_back(side_holds(*other, side, word));
        parts[std::move(held)].push_back(word);
      }
      if (parts.size() < 2) continue;
      for (const auto& [held, words] : parts) {
        Box part = box;
        part.words[side] = words;
        std::vector<const Box*> near;
        for (const Box* other : others) {
          if (may_hold(*other, part)) near.push_back(other);
        }
        if (!split(part, near)) return false;
      }
      return true;
    }
    left_.push_back(box);
    return left_.size() <= lines_max_;
  }

  std::size_t lines_max_;
  std::size_t steps_ = 0;
  std::vector<Box> left_;
};

// Boxes are compared with one another up to so many; more may say a thing twice.
constexpr std::size_t compared_max = 2000;

// Boxes that others hold go; boxes that differ in one side only become one.
void gather(std::vector<Box>& boxes) {
  std::sort(boxes.begin(), boxes.end());
  boxes.erase(std::unique(boxes.begin(), boxes.end()), boxes.end());
  for (const Side side : {verbs, resources, urls, names, groups}) {
    std::map<Box, Words> joined;
    for (Box& box : boxes) {
      Words words = std::exchange(box.words[side], {});
      Words& into = joined[std::move(box)];
      into.insert(into.end(), words.begin(), words.end());
    }
    boxes.clear();
    for (auto& [key, words] : joined) {
      boxes.push_back(key);
      normalize(side, words);
      boxes.back().words[side] = std::move(words);
    }
  }
  if (boxes.size() > compared_max) return;
  std::vector<Box> kept;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    bool needed = true;
    for (std::size_t k = 0; needed && k < boxes.size(); ++k) {
      // Of two that hold each other the first stays.
      needed = k == i || !holds(boxes[k], boxes[i]) || (holds(boxes[i], boxes[k]) && i < k);
    }
    if (needed) kept.push_back(boxes[i]);
  }
  boxes = std::move(kept);
}

// ---- who holds what ----
// A user, a group, or a service account, which is a user of a certain name.
using Who = std::pair<bool, std::string>;  // group?, name

std::optional<Who> who_is(const Subject& subject, std::string_view binding_namespace) {
  if (subject.kind == "User") return Who(false, subject.name);
  if (subject.kind == "Group") {
    if (subject.name == identity::system_masters) return std::nullopt;
    return Who(true, subject.name);
  }
  if (subject.kind != "ServiceAccount") return std::nullopt;
  const std::string_view space =
      subject.namespace_.empty() ? binding_namespace : std::string_view(subject.namespace_);
  if (space.empty()) return std::nullopt;
  return Who(
      false, std::string("system:serviceaccount:").append(space).append(":").append(subject.name)
  );
}

Subject shown(const Who& who) {
  if (who.first) return {"Group", who.second, ""};
  constexpr std::string_view prefix = "system:serviceaccount:";
  const std::string_view name = who.second;
  const auto colon = name.starts_with(prefix) ? name.find(':', prefix.size()) : name.npos;
  if (colon == name.npos || colon == prefix.size() || colon + 1 == name.size())
    return {"User", who.second, ""};
  return {
      "ServiceAccount",
      std::string(name.substr(colon + 1)),
      std::string(name.substr(prefix.size(), colon - prefix.size()))
  };
}

// Sets of rules as numbers, the same for equal ones, so that most subjects are done by comparing
// numbers.
class RuleSets {
 public:
  std::size_t number_of(const std::vector<PolicyRule>& rules) {
    std::string key;
    for (const PolicyRule& rule : rules) {
      for (const auto* words :
           {&rule.verbs,
            &rule.api_groups,
            &rule.resources,
            &rule.resource_names,
            &rule.non_resource_urls}) {
        key += std::to_string(words->size()) + ":";
        for (const auto& word : *words)
          key.append(std::to_string(word.size())).append(":").append(word);
      }
    }
    const auto [at, is_new] = numbers_.try_emplace(std::move(key), sets_.size());
    if (is_new) sets_.push_back(&rules);
    return at->second;
  }

  const std::vector<PolicyRule>& rules(std::size_t number) const { return *sets_[number]; }

 private:
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<const std::vector<PolicyRule>*> sets_;
};

using Scope = std::optional<std::string>;
using Holdings = std::map<Who, std::set<std::pair<Scope, std::size_t>>>;  // scope, rule set

Holdings holdings_of(const Policy& policy, RuleSets& sets) {
  std::map<std::string_view, std::size_t> cluster_roles;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> roles;
  for (const auto& role : policy.cluster_roles)
    cluster_roles[role.name] = sets.number_of(role.rules);
  for (const auto& role : policy.roles)
    roles[{role.namespace_, role.name}] = sets.number_of(role.rules);
  Holdings out;
  const auto add = [&](const Binding& binding, const Scope& scope) {
    std::optional<std::size_t> set;
    if (binding.role.kind == "ClusterRole") {
      if (const auto at = cluster_roles.find(binding.role.name); at != cluster_roles.end())
        set = at->second;
    } else if (binding.role.kind == "Role" && scope) {
      const auto at = roles.find({binding.namespace_, binding.role.name});
      if (at != roles.end()) set = at->second;
    }
    if (!set) return;
    for (const Subject& subject : binding.subjects) {
      if (auto who = who_is(subject, scope ? *scope : std::string()))
        out[std::move(*who)].emplace(scope, *set);
    }
  };
  for (const auto& binding : policy.cluster_role_bindings) add(binding, std::nullopt);
  for (const auto& binding : policy.role_bindings) {
    if (!binding.namespace_.empty()) add(binding, binding.namespace_);
  }
  return out;
}

void add_boxes(const Scope& scope, const PolicyRule& rule, std::vector<Box>& out) {
  if (rule.verbs.empty()) return;
  Box box;
  box.scope = scope;
  box.words[verbs] = rule.verbs;
  if (!scope && !rule.non_resource_urls.empty()) {
    Box of_urls = box;
    of_urls.of_urls = true;
    of_urls.words[urls] = rule.non_resource_urls;
    out.push_back(std::move(of_urls));
  }
  if (rule.api_groups.empty() || rule.resources.empty()) return;
  box.words[groups] = rule.api_groups;
  box.words[resources] = rule.resources;
  box.words[names] = rule.resource_names;
  box.any_name = rule.resource_names.empty();
  out.push_back(std::move(box));
}

std::vector<Box> boxes_of(
    const std::set<std::pair<Scope, std::size_t>>& held, const RuleSets& sets
) {
  std::vector<Box> out;
  for (const auto& [scope, set] : held) {
    for (const PolicyRule& rule : sets.rules(set)) add_boxes(scope, rule, out);
  }
  for (Box& box : out) {
    for (const Side side : {verbs, groups, resources, names, urls})
      normalize(side, box.words[side]);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// ---- the answer ----
Permitted shown(const Box& box) {
  return {
      box.scope,
      {box.words[verbs], box.words[groups], box.words[resources], box.words[names], box.words[urls]}
  };
}

std::optional<std::vector<Changed>> less(
    const std::vector<Box>& boxes, const std::vector<Box>& others, std::size_t lines_max
) {
  Subtraction subtraction(lines_max);
  for (const Box& box : boxes) {
    if (!subtraction.take_away(box, others)) return std::nullopt;
  }
  gather(subtraction.left());
  std::vector<Changed> out;
  for (const Box& box : subtraction.left()) {
    std::vector<Box> kept;
    for (const Box& other : others) {
      if (auto both = common(box, other)) kept.push_back(std::move(*both));
    }
    gather(kept);
    Changed line{shown(box), {}};
    for (const Box& one : kept) line.except.push_back(shown(one));
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace

Outcome<std::vector<SubjectDifference>> difference(const Policy& before, const Policy& after) {
  RuleSets sets;
  const Holdings old_holdings = holdings_of(before, sets);
  const Holdings new_holdings = holdings_of(after, sets);
  std::set<Who> all;
  for (const auto& [who, held] : old_holdings) all.insert(who);
  for (const auto& [who, held] : new_holdings) all.insert(who);
  static const std::set<std::pair<Scope, std::size_t>> nothing;
  std::vector<SubjectDifference> out;
  std::size_t lines = 0;
  for (const Who& who : all) {
    const auto was = old_holdings.find(who);
    const auto is = new_holdings.find(who);
    const auto& had = was == old_holdings.end() ? nothing : was->second;
    const auto& has = is == new_holdings.end() ? nothing : is->second;
    if (had == has) continue;
    const auto old_boxes = boxes_of(had, sets);
    const auto new_boxes = boxes_of(has, sets);
    auto lost = less(old_boxes, new_boxes, limits::difference_lines_max);
    auto gained = less(new_boxes, old_boxes, limits::difference_lines_max);
    if (lost && gained) lines += lost->size() + gained->size();
    if (!lost || !gained || lines > limits::difference_lines_max) {
      return fault(
          "the policies differ in more than " + std::to_string(limits::difference_lines_max) +
          " lines"
      );
    }
    if (lost->empty() && gained->empty()) continue;
    out.push_back({shown(who), std::move(*lost), std::move(*gained)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.subject.kind, a.subject.namespace_, a.subject.name) <
           std::tie(b.subject.kind, b.subject.namespace_, b.subject.name);
  });
  return out;
}

}  // namespace gh::authz::rbac
