// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/permission_set.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace gh::authz::rbac {
namespace {

// What rules say, before it is laid out in slots: one (group, resource), the verbs, and the name
// they are limited to.
struct Line {
  std::uint64_t key;
  WordId name;  // no_word: any
  std::uint64_t verbs;
};

struct Lines {
  std::vector<Line> lines;
  std::vector<WideRule> wide;
  bool has_resources = false;
  bool has_paths = false;
  bool has_any_group = false;
  bool has_any_resource = false;
  bool has_any_of_subresource = false;

  void add(const PermissionSet& set) {
    for (const Permission& slot : set.slots) {
      if (slot.key == 0) continue;
      if (slot.verbs != 0) lines.push_back({slot.key, no_word, slot.verbs});
      for (std::uint32_t i = 0; i < slot.names_count; ++i) {
        const NamedVerbs& named = set.names[slot.names_at + i];
        lines.push_back({slot.key, named.name, named.verbs});
      }
    }
    wide.insert(wide.end(), set.wide.begin(), set.wide.end());
    has_resources |= set.has_resources;
    has_paths |= set.has_paths;
    has_any_group |= set.has_any_group;
    has_any_resource |= set.has_any_resource;
    has_any_of_subresource |= set.has_any_of_subresource;
  }
};

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::size_t power_of_two_at_least(std::size_t wanted) {
  std::size_t size = 2;
  while (size < wanted) size *= 2;
  return size;
}

PermissionSet lay_out(Lines source) {
  PermissionSet set;
  set.wide = std::move(source.wide);
  set.has_resources = source.has_resources;
  set.has_paths = source.has_paths;
  set.has_any_group = source.has_any_group;
  set.has_any_resource = source.has_any_resource;
  set.has_any_of_subresource = source.has_any_of_subresource;
  auto& lines = source.lines;
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return std::tie(a.key, a.name) < std::tie(b.key, b.name);
  });
  std::vector<Permission> permissions;
  for (const Line& line : lines) {
    if (permissions.empty() || permissions.back().key != line.key) {
      permissions.push_back({line.key, 0, static_cast<std::uint32_t>(set.names.size()), 0});
    }
    Permission& permission = permissions.back();
    if (line.name == no_word) {
      permission.verbs |= line.verbs;
    } else if (permission.names_count != 0 && set.names.back().name == line.name) {
      set.names.back().verbs |= line.verbs;
    } else {
      set.names.push_back({line.name, line.verbs});
      ++permission.names_count;
    }
  }
  set.names.shrink_to_fit();
  set.slots.resize(power_of_two_at_least(permissions.size() * 2));
  const std::size_t mask = set.slots.size() - 1;
  for (const Permission& permission : permissions) {
    std::size_t at = slot_of(permission.key, mask);
    while (set.slots[at].key != 0) at = (at + 1) & mask;
    set.slots[at] = permission;
  }
  return set;
}

class RuleCompiler {
 public:
  explicit RuleCompiler(TableData& table) : table_(table) {}

  PermissionSet run(const std::vector<PolicyRule>& rules) {
    Lines lines;
    for (const PolicyRule& rule : rules) add_rule(rule, lines);
    return lay_out(std::move(lines));
  }

 private:
  std::vector<BlockVerbs> verb_masks(const std::vector<std::string>& verbs) {
    std::vector<BlockVerbs> masks;
    const auto add = [&](std::uint32_t block, std::uint64_t bit) {
      for (auto& mask : masks) {
        if (mask.block == block) {
          mask.verbs |= bit;
          return;
        }
      }
      masks.push_back({block, bit});
    };
    for (const auto& verb : verbs) {
      if (verb == "*") return {{0, any_verb}};
    }
    std::vector<WordId> ids;
    for (const auto& verb : verbs) ids.push_back(table_.verbs.intern(verb));
    sort_unique(ids);
    for (const WordId id : ids) add(id / verbs_a_block, std::uint64_t{1} << (id % verbs_a_block));
    return masks;
  }

  static std::vector<WordId> intern_all(
      Interner<Word>& words, const std::vector<std::string>& values
  ) {
    std::vector<WordId> ids;
    ids.reserve(values.size());
    for (const auto& value : values) ids.push_back(words.intern(value));
    sort_unique(ids);
    return ids;
  }

  void add_rule(const PolicyRule& rule, Lines& lines) {
    const auto verbs = verb_masks(rule.verbs);
    if (verbs.empty()) return;
    add_paths(rule, verbs, lines);
    if (rule.api_groups.empty() || rule.resources.empty()) return;
    const auto groups = intern_all(table_.api_groups, rule.api_groups);
    const auto resources = intern_all(table_.resources, rule.resources);
    const auto names = intern_all(table_.names, rule.resource_names);
    lines.has_resources = true;
    lines.has_any_group |= groups[0] == any_word;
    lines.has_any_resource |= resources[0] == any_word;
    for (const auto& resource : rule.resources) {
      table_.longest_resource = std::max(table_.longest_resource, resource.size());
      lines.has_any_of_subresource |= resource.size() > 2 && resource.starts_with("*/");
    }
    // Slots stay linear in the size of the rule as written; what would not is kept whole.
    const std::size_t written = groups.size() + resources.size() + names.size();
    const double slots = static_cast<double>(groups.size()) *
                         static_cast<double>(resources.size()) *
                         static_cast<double>(std::max<std::size_t>(names.size(), 1)) *
                         static_cast<double>(verbs.size());
    if (slots > static_cast<double>(8 * written + 64)) {
      lines.wide.push_back({verbs, groups, resources, names});
      return;
    }
    for (const WordId group : groups) {
      for (const WordId resource : resources) {
        for (const BlockVerbs& mask : verbs) {
          const std::uint64_t key = permission_key(group, resource, mask.block);
          if (names.empty()) lines.lines.push_back({key, no_word, mask.verbs});
          for (const WordId name : names) lines.lines.push_back({key, name, mask.verbs});
        }
      }
    }
  }

  void add_paths(const PolicyRule& rule, const std::vector<BlockVerbs>& verbs, Lines& lines) {
    for (const std::string& url : rule.non_resource_urls) {
      WordId pattern;
      if (url.ends_with('*')) {
        const std::size_t bytes =
            url.find_last_not_of('*') + 1;  // all trailing stars are cut; npos + 1 is 0
        pattern = table_.path_prefixes.intern(std::string_view(url).substr(0, bytes)) * 2 + 1;
        add_prefix_length(static_cast<std::uint32_t>(bytes));
      } else {
        pattern = table_.exact_paths.intern(url) * 2;
      }
      lines.has_paths = true;
      for (const BlockVerbs& mask : verbs) {
        lines.lines.push_back({permission_key(path_group, pattern, mask.block), no_word, mask.verbs}
        );
      }
    }
  }

  void add_prefix_length(std::uint32_t bytes) {
    auto& lengths = table_.prefix_lengths;
    const auto at = std::lower_bound(lengths.begin(), lengths.end(), bytes);
    if (at == lengths.end() || *at != bytes) lengths.insert(at, bytes);
  }

  TableData& table_;
};

}  // namespace

PermissionSet compile_rules(TableData& table, const std::vector<PolicyRule>& rules) {
  return RuleCompiler(table).run(rules);
}

PermissionSet union_of(const std::vector<const PermissionSet*>& sets) {
  Lines lines;
  for (const PermissionSet* set : sets) lines.add(*set);
  return lay_out(std::move(lines));
}

std::size_t size_of(const PermissionSet& set) noexcept {
  return set.slots.size() / 2 + set.names.size() + set.wide.size();
}

}  // namespace gh::authz::rbac
