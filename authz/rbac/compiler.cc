// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/compiler.h"

#include "authz/go_text.h"
#include "authz/rbac/table_data.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gh::authz::rbac {
namespace {

// Lists with more different sets than this get a union, so that a caller with many roles costs no
// more than one with few…
constexpr std::size_t merge_above = 6;
// …as long as all unions together stay below so many slots' worth of permissions.
constexpr std::size_t merged_permissions_max = std::size_t{1} << 21;

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

  void add(const Lines& other) {
    lines.insert(lines.end(), other.lines.begin(), other.lines.end());
    wide.insert(wide.end(), other.wide.begin(), other.wide.end());
    has_resources |= other.has_resources;
    has_paths |= other.has_paths;
    has_any_group |= other.has_any_group;
    has_any_resource |= other.has_any_resource;
    has_any_of_subresource |= other.has_any_of_subresource;
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

class Compiler {
 public:
  explicit Compiler(const Policy& policy)
      : policy_(policy), table_(std::make_unique<TableData>(std::random_device{}())) {}

  Outcome<DecisionTable> run() {
    table_->api_groups.intern("*");
    table_->resources.intern("*");
    // The usual verbs first, so that they share block 0 with "*".
    for (const char* verb :
         {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}) {
      table_->verbs.intern(verb);
    }
    table_->lists.emplace_back();
    for (const auto& role : policy_.cluster_roles) cluster_roles_[role.name] = set_of(role.rules);
    for (const auto& role : policy_.roles)
      roles_[role_key(role.namespace_, role.name)] = set_of(role.rules);
    GH_TRY_VOID(check_words());
    const std::size_t bindings =
        policy_.cluster_role_bindings.size() + policy_.role_bindings.size();
    table_->bindings.reserve(bindings);
    held_.reserve(bindings);
    table_->users.reserve(bindings / 2);
    for (const auto& binding : policy_.cluster_role_bindings) add_binding(binding, true);
    for (const auto& binding : policy_.role_bindings) add_binding(binding, false);
    build_lists();
    finish();
    return DecisionTable(std::move(table_));
  }

 private:
  // A subject holds a set in a scope because of a binding.
  struct Held {
    std::uint64_t scope;
    std::uint32_t set;
    std::uint32_t binding;
  };

  static std::string role_key(std::string_view space, std::string_view name) {
    return std::string(space).append(1, '\0').append(name);
  }

  // ---- rules → sets ----
  static void append_key(std::string& key, const std::vector<std::string>& words) {
    key += std::to_string(words.size()) + ":";
    for (const auto& word : words) key.append(std::to_string(word.size())).append(":").append(word);
  }

  // Roles with equal rules share a set.
  std::uint32_t set_of(const std::vector<PolicyRule>& rules) {
    std::string key;
    for (const PolicyRule& rule : rules) {
      append_key(key, rule.verbs);
      append_key(key, rule.api_groups);
      append_key(key, rule.resources);
      append_key(key, rule.resource_names);
      append_key(key, rule.non_resource_urls);
    }
    const auto [at, is_new] =
        sets_by_rules_.try_emplace(std::move(key), static_cast<std::uint32_t>(lines_.size()));
    if (is_new) {
      Lines lines;
      for (const PolicyRule& rule : rules) add_rule(rule, lines);
      lines_.push_back(std::move(lines));
      errors_.emplace_back();
    }
    return at->second;
  }

  std::uint32_t error_set(const std::string& error) {
    const auto [at, is_new] =
        sets_by_error_.try_emplace(error, static_cast<std::uint32_t>(lines_.size()));
    if (is_new) {
      lines_.emplace_back();
      errors_.push_back(error);
    }
    return at->second;
  }

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
    for (const auto& verb : verbs) ids.push_back(table_->verbs.intern(verb));
    sort_unique(ids);
    for (const WordId id : ids) add(id / verbs_a_block, std::uint64_t{1} << (id % verbs_a_block));
    return masks;
  }

  static std::vector<WordId> intern_all(Interner& words, const std::vector<std::string>& values) {
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
    const auto groups = intern_all(table_->api_groups, rule.api_groups);
    const auto resources = intern_all(table_->resources, rule.resources);
    const auto names = intern_all(table_->names, rule.resource_names);
    lines.has_resources = true;
    lines.has_any_group |= groups[0] == any_word;
    lines.has_any_resource |= resources[0] == any_word;
    for (const auto& resource : rule.resources) {
      table_->longest_resource = std::max(table_->longest_resource, resource.size());
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
        pattern = table_->path_prefixes.intern(std::string_view(url).substr(0, bytes)) * 2 + 1;
        table_->prefix_lengths.push_back(static_cast<std::uint32_t>(bytes));
      } else {
        pattern = table_->exact_paths.intern(url) * 2;
      }
      lines.has_paths = true;
      for (const BlockVerbs& mask : verbs) {
        lines.lines.push_back({permission_key(path_group, pattern, mask.block), no_word, mask.verbs}
        );
      }
    }
  }

  Outcome<void> check_words() const {
    const auto check = [](std::size_t have, std::size_t most, const char* what) -> Outcome<void> {
      if (have <= most) return {};
      return fault(
          "the policy has " + std::to_string(have) + " different " + what + "; at most " +
          std::to_string(most) + " are supported"
      );
    };
    GH_TRY_VOID(check(table_->verbs.size(), verbs_max, "verbs"));
    GH_TRY_VOID(check(table_->api_groups.size(), api_groups_max, "API groups"));
    GH_TRY_VOID(check(table_->resources.size(), resources_max, "resources"));
    GH_TRY_VOID(check(table_->exact_paths.size(), resources_max / 2, "non-resource URLs"));
    return check(table_->path_prefixes.size(), resources_max / 2, "non-resource URL prefixes");
  }

  // ---- bindings → who holds what ----
  std::uint32_t resolve_role(const Binding& binding, bool cluster) {
    const std::string& kind = binding.role.kind;
    if (kind == "Role") {
      // A cluster role binding has no namespace to look in.
      const auto at =
          cluster ? roles_.end() : roles_.find(role_key(binding.namespace_, binding.role.name));
      if (at != roles_.end()) return at->second;
      return error_set(
          "role.rbac.authorization.k8s.io " + go_quoted(binding.role.name) + " not found"
      );
    }
    if (kind == "ClusterRole") {
      const auto at = cluster_roles_.find(binding.role.name);
      if (at != cluster_roles_.end()) return at->second;
      return error_set(
          "clusterrole.rbac.authorization.k8s.io " + go_quoted(binding.role.name) + " not found"
      );
    }
    return error_set("unsupported role reference kind: " + go_quoted(kind));
  }

  std::uint32_t role_ref(const RoleRef& role) {
    const auto [at, is_new] = role_refs_.try_emplace(
        role_key(role.kind, role.name), static_cast<std::uint32_t>(table_->role_refs.size())
    );
    if (is_new) table_->role_refs.push_back({role.kind, role.name});
    return at->second;
  }

  // Null for a subject that can be nobody.
  bool subject_of(
      const Subject& subject, const std::string& binding_namespace, SubjectRecord& out
  ) {
    if (subject.kind == "User") {
      out = {table_->users.intern(subject.name), static_cast<std::uint32_t>(SubjectKind::user), 0};
    } else if (subject.kind == "Group") {
      out = {
          table_->groups.intern(subject.name) | group_bit,
          static_cast<std::uint32_t>(SubjectKind::group),
          0
      };
    } else if (subject.kind == "ServiceAccount") {
      const std::string& space =
          subject.namespace_.empty() ? binding_namespace : subject.namespace_;
      if (space.empty()) return false;
      scratch_.assign("system:serviceaccount:").append(space).append(":").append(subject.name);
      out = {
          table_->users.intern(scratch_),
          static_cast<std::uint32_t>(SubjectKind::service_account),
          static_cast<std::uint32_t>(space.size()) & 0x3fffffff
      };
    } else {
      return false;
    }
    return true;
  }

  void add_binding(const Binding& binding, bool cluster) {
    const auto id = static_cast<std::uint32_t>(table_->bindings.size());
    BindingRecord record;
    record.name_at = static_cast<std::uint32_t>(table_->text.size());
    record.name_bytes = static_cast<std::uint32_t>(binding.name.size());
    table_->text += binding.name;
    record.namespace_ = cluster ? no_word : table_->namespaces.intern(binding.namespace_);
    record.role_ref = role_ref(binding.role);
    record.first_subject = static_cast<std::uint32_t>(table_->subjects.size());
    const std::uint32_t set = resolve_role(binding, cluster);
    // A role binding without a namespace is in none, so it never applies.
    const bool applies = cluster || !binding.namespace_.empty();
    for (const Subject& subject : binding.subjects) {
      SubjectRecord who;
      if (!subject_of(subject, cluster ? std::string() : binding.namespace_, who)) continue;
      table_->subjects.push_back(who);
      ++record.subject_count;
      if (applies)
        held_.push_back({scope_key(who.subject, cluster ? 0 : record.namespace_ + 1), set, id});
    }
    table_->bindings.push_back(record);
  }

  // ---- lists ----
  void build_lists() {
    std::sort(held_.begin(), held_.end(), [](const Held& a, const Held& b) {
      return std::tie(a.scope, a.binding) < std::tie(b.scope, b.binding);
    });
    table_->user_entries.resize(table_->users.size());
    table_->group_entries.resize(table_->groups.size());
    std::vector<std::pair<std::uint64_t, std::uint32_t>> namespaced;
    for (std::size_t from = 0, to = 0; from < held_.size(); from = to) {
      while (to < held_.size() && held_[to].scope == held_[from].scope) ++to;
      const auto list = static_cast<std::uint32_t>(table_->lists.size());
      table_->lists.push_back(list_of(from, to));
      const std::uint64_t scope = held_[from].scope;
      const auto subject = static_cast<std::uint32_t>(scope >> 32);
      SubjectEntry& entry = (subject & group_bit) != 0 ? table_->group_entries[subject & ~group_bit]
                                                       : table_->user_entries[subject];
      if ((scope & 0xffffffff) == 0) {
        entry.cluster_list = list;
      } else {
        entry.namespaced = true;
        namespaced.emplace_back(scope, list);
      }
    }
    table_->scopes.resize(power_of_two_at_least(namespaced.size() * 3 / 2 + 1));
    const std::size_t mask = table_->scopes.size() - 1;
    for (const auto& [key, list] : namespaced) {
      std::size_t at = slot_of(key, mask);
      while (table_->scopes[at].list != 0) at = (at + 1) & mask;
      table_->scopes[at] = {key, list};
    }
  }

  GrantList list_of(std::size_t from, std::size_t to) {
    GrantList list;
    list.first = static_cast<std::uint32_t>(table_->grants.size());
    std::unordered_set<std::uint32_t> seen;
    for (std::size_t i = from; i < to; ++i) {
      const Held& held = held_[i];
      if (to - from > 1 && !seen.insert(held.set).second) continue;
      table_->grants.push_back({held.set, held.binding});
      ++list.count;
      list.has_errors |= !errors_[held.set].empty();
    }
    if (list.count > merge_above) list.merged = merge(list);
    return list;
  }

  // The union of a list's sets; the same sets together are merged once.
  std::uint32_t merge(const GrantList& list) {
    std::vector<std::uint32_t> sets;
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < list.count; ++i) {
      sets.push_back(table_->grants[list.first + i].set);
      size += lines_[sets.back()].lines.size();
    }
    std::sort(sets.begin(), sets.end());
    const std::string key(
        reinterpret_cast<const char*>(sets.data()), sets.size() * sizeof(sets[0])
    );
    if (const auto known = merged_.find(key); known != merged_.end()) return known->second;
    if (merged_permissions_ + size > merged_permissions_max) return no_set;
    merged_permissions_ += size;
    Lines lines;
    for (const std::uint32_t set : sets) lines.add(lines_[set]);
    lines_.push_back(std::move(lines));
    errors_.emplace_back();
    return merged_[key] = static_cast<std::uint32_t>(lines_.size() - 1);
  }

  void finish() {
    table_->sets.reserve(lines_.size());
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      table_->sets.push_back(lay_out(std::move(lines_[i])));
      table_->sets.back().error = errors_[i];
    }
    sort_unique(table_->prefix_lengths);
    table_->grants.shrink_to_fit();
    table_->lists.shrink_to_fit();
    table_->text.shrink_to_fit();
    table_->subjects.shrink_to_fit();
    for (Interner* words : {&table_->names, &table_->users, &table_->groups, &table_->namespaces})
      words->shrink();
    // Ids are never used twice in a process, so that permissions of another table are known as
    // such.
    static std::atomic<std::uint64_t> last_id{0};
    table_->id = ++last_id;
  }

  const Policy& policy_;
  std::unique_ptr<TableData> table_;
  std::vector<Lines> lines_;         // by set, until finish()
  std::vector<std::string> errors_;  // by set
  std::unordered_map<std::string, std::uint32_t> sets_by_rules_;
  std::unordered_map<std::string, std::uint32_t> sets_by_error_;
  std::unordered_map<std::string, std::uint32_t> cluster_roles_;
  std::unordered_map<std::string, std::uint32_t> roles_;
  std::unordered_map<std::string, std::uint32_t> role_refs_;
  std::unordered_map<std::string, std::uint32_t> merged_;
  std::size_t merged_permissions_ = 0;
  std::vector<Held> held_;
  std::string scratch_;
};

}  // namespace

Outcome<DecisionTable> compile(const Policy& policy) { return Compiler(policy).run(); }

}  // namespace gh::authz::rbac
