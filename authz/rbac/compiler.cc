// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/compiler.h"

#include "authz/rbac/permission_set.h"
#include "authz/rbac/table_data.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gh::authz::rbac {
namespace {

// Lists with more different roles than this get a union, so that a caller with many roles costs no
// more than one with few…
constexpr std::size_t merge_above = 6;
// …as long as all unions together stay below so many permissions.
constexpr std::size_t merged_permissions_max = std::size_t{1} << 21;
// Words of roles are never taken out: with so many more than at the last fresh start, it is made.
constexpr std::size_t words_sweep_above = 16 * 1024;

constexpr std::string_view account_prefix = "system:serviceaccount:";

std::string role_key(RoleKind kind, std::string_view space, std::string_view name) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  return key.append(space).append(1, '\0').append(name);
}

void append_words(std::string& key, const std::vector<std::string>& words) {
  key += std::to_string(words.size()) + ":";
  for (const auto& word : words) key.append(std::to_string(word.size())).append(":").append(word);
}

// Equal for equal rules only.
std::string key_of(const std::vector<PolicyRule>& rules) {
  std::string key;
  for (const PolicyRule& rule : rules) {
    append_words(key, rule.verbs);
    append_words(key, rule.api_groups);
    append_words(key, rule.resources);
    append_words(key, rule.resource_names);
    append_words(key, rule.non_resource_urls);
  }
  return key;
}

template <class T>
std::uint32_t take_number(std::vector<std::uint32_t>& free, Pages<T>& pages) {
  if (free.empty()) return pages.add();
  const std::uint32_t number = free.back();
  free.pop_back();
  return number;
}

}  // namespace

class PolicyCompiler::Work {
 public:
  Work() : seed_(std::random_device{}()), table_(std::make_unique<TableData>(seed_)) {
    table_->api_groups.intern("*");
    table_->resources.intern("*");
    // The usual verbs first, so that they share block 0 with "*".
    for (const char* verb :
         {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}) {
      table_->verbs.intern(verb);
    }
  }

  // Why the objects cannot be put here; words that nobody needs any more count too.
  Outcome<void> check_words(const Policy& put) const {
    NewWords words(*table_);
    for (const Role& role : put.roles) words.add(role.rules);
    for (const ClusterRole& role : put.cluster_roles) words.add(role.rules);
    return words.check();
  }

  PolicyDifference apply(const PolicyChanges& changes) {
    for (const auto& at : changes.gone_roles) drop_role(RoleKind::role, at);
    for (const auto& at : changes.gone_cluster_roles) drop_role(RoleKind::cluster_role, at);
    for (const auto& at : changes.gone_cluster_role_bindings)
      drop_binding(find_binding(true, at.namespace_, at.name));
    for (const auto& at : changes.gone_role_bindings)
      drop_binding(find_binding(false, at.namespace_, at.name));
    put_all(changes.put);
    return finish();
  }

  PolicyDifference update(const Policy& policy) {
    drop_all_but(policy);
    put_all(policy);
    const PolicyDifference difference = finish();
    if (words_at_start_ == 0) started();
    return difference;
  }

  bool wants_sweeping() const noexcept {
    return table_->text.wants_sweeping() || table_->users.wants_sweeping() ||
           table_->groups.wants_sweeping() || table_->namespaces.wants_sweeping() ||
           words_of_roles() > 2 * words_at_start_ + words_sweep_above;
  }

  void started() noexcept { words_at_start_ = words_of_roles(); }

  std::unique_ptr<const TableData> snapshot() const {
    // Ids are never used twice in a process, so that permissions of another table are known as
    // such.
    static std::atomic<std::uint64_t> last_id{0};
    auto copy = std::make_unique<TableData>(*table_);
    copy->id = ++last_id;
    return copy;
  }

  Policy policy() const {
    Policy out;
    for (const std::uint32_t id : role_order()) {
      const RoleState& role = *roles_[id];
      const std::string name(table_->roles[id].name);
      if (table_->roles[id].kind == RoleKind::role) {
        out.roles.push_back({role.namespace_, name, role.rules});
      } else {
        out.cluster_roles.push_back({name, {}, role.rules, std::nullopt});
      }
    }
    for (std::uint32_t id = 0; id < table_->bindings.size(); ++id) {
      const BindingRecord& record = table_->bindings[id];
      if (record.role == no_role) continue;
      (record.namespace_ == no_word ? out.cluster_role_bindings : out.role_bindings)
          .push_back(binding_of(record));
    }
    return out;
  }

 private:
  // ---- bounds ----
  class NewWords {
   public:
    explicit NewWords(const TableData& table) : table_(table) {}

    void add(const std::vector<PolicyRule>& rules) {
      for (const PolicyRule& rule : rules) {
        add(table_.verbs, rule.verbs, verbs_);
        add(table_.api_groups, rule.api_groups, api_groups_);
        add(table_.resources, rule.resources, resources_);
        add(table_.exact_paths, rule.non_resource_urls, paths_);
      }
    }

    Outcome<void> check() const {
      GH_TRY_VOID(check(table_.verbs.size() + verbs_.size(), verbs_max, "verbs"));
      GH_TRY_VOID(check(table_.api_groups.size() + api_groups_.size(), api_groups_max, "API groups")
      );
      GH_TRY_VOID(check(table_.resources.size() + resources_.size(), resources_max, "resources"));
      return check(
          std::max(table_.exact_paths.size(), table_.path_prefixes.size()) + paths_.size(),
          resources_max / 2,
          "non-resource URLs"
      );
    }

   private:
    using Set = std::unordered_set<std::string_view>;

    static void add(const Interner<Word>& known, const std::vector<std::string>& words, Set& into) {
      for (const auto& word : words) {
        if (known.find(word) == no_word) into.insert(word);
      }
    }

    static Outcome<void> check(std::size_t have, std::size_t most, const char* what) {
      if (have <= most) return {};
      return fault(
          "the policy has " + std::to_string(have) + " different " + what + "; at most " +
          std::to_string(most) + " are supported"
      );
    }

    const TableData& table_;
    Set verbs_, api_groups_, resources_, paths_;
  };

  std::size_t words_of_roles() const noexcept {
    const TableData& t = *table_;
    return t.verbs.size() + t.api_groups.size() + t.resources.size() + t.names.size() +
           t.exact_paths.size() + t.path_prefixes.size();
  }

  // ---- roles ----
  struct SharedSet {
    PermissionSetPtr set;
    std::size_t uses = 0;
  };

  using SetsByRules = std::unordered_map<std::string, SharedSet>;

  struct RoleState {
    std::string namespace_;
    bool there = false;  // else only referred to
    std::uint32_t references = 0;
    std::vector<PolicyRule> rules;
    SetsByRules::value_type* set = nullptr;
  };

  std::uint32_t role_number(RoleKind kind, std::string_view space, std::string_view name) {
    const auto [at, is_new] = role_ids_.try_emplace(role_key(kind, space, name), 0);
    if (!is_new) return at->second;
    const std::uint32_t id = at->second = take_number(free_roles_, table_->roles);
    if (id >= roles_.size()) roles_.resize(id + 1);
    roles_[id] = std::make_unique<RoleState>();
    roles_[id]->namespace_ = space;
    table_->roles.edit(id) = {nullptr, table_->text.add(name), kind};
    return id;
  }

  // Roles with equal rules share a set.
  void put_role(
      RoleKind kind,
      std::string_view space,
      const std::string& name,
      const std::vector<PolicyRule>& rules
  ) {
    const std::uint32_t id = role_number(kind, space, name);
    RoleState& role = *roles_[id];
    if (role.there && role.rules == rules) return;
    ++(role.there ? difference_.changed : difference_.added);
    auto& shared = *sets_.try_emplace(key_of(rules)).first;
    if (shared.second.uses++ == 0) {
      shared.second.set = std::make_shared<const PermissionSet>(compile_rules(*table_, rules));
      table_->sets_memory += shared.second.set->memory();
    }
    release_set(role);
    role.there = true;
    role.rules = rules;
    role.set = &shared;
    set_of_role(id, shared.second.set);
  }

  void set_of_role(std::uint32_t id, PermissionSetPtr set) {
    if (table_->roles[id].set == set) return;
    table_->roles.edit(id).set = std::move(set);
    changed_roles_.push_back(id);
  }

  void drop_role(RoleKind kind, const ObjectName& at) {
    const auto found = role_ids_.find(role_key(kind, at.namespace_, at.name));
    if (found != role_ids_.end()) drop_role(found->second);
  }

  void drop_role(std::uint32_t id) {
    RoleState& role = *roles_[id];
    if (!role.there) return;
    ++difference_.removed;
    release_set(role);
    role.there = false;
    role.rules.clear();
    set_of_role(id, nullptr);
    unused_roles_.push_back(id);
  }

  void release_set(RoleState& role) {
    if (role.set == nullptr) return;
    auto* const shared = std::exchange(role.set, nullptr);
    if (--shared->second.uses > 0) return;
    table_->sets_memory -= shared->second.set->memory();
    sets_.erase(shared->first);
  }

  void release_role(std::uint32_t id) {
    if (roles_[id] == nullptr || roles_[id]->there || roles_[id]->references > 0) return;
    const RoleEntry& entry = table_->roles[id];
    role_ids_.erase(role_key(entry.kind, roles_[id]->namespace_, entry.name));
    table_->text.forget(entry.name);
    table_->roles.edit(id) = {};
    roles_[id].reset();
    free_roles_.push_back(id);
  }

  std::uint32_t role_of(const Binding& binding, bool cluster) {
    const RoleRef& ref = binding.role;
    if (ref.kind == "ClusterRole") return role_number(RoleKind::cluster_role, {}, ref.name);
    if (ref.kind != "Role") return role_number(RoleKind::unsupported, {}, ref.kind);
    return cluster ? role_number(RoleKind::role_nowhere, {}, ref.name)
                   : role_number(RoleKind::role, binding.namespace_, ref.name);
  }

  std::vector<std::uint32_t> role_order() const {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < roles_.size(); ++id) {
      if (roles_[id] != nullptr && roles_[id]->there) ids.push_back(id);
    }
    return ids;
  }

  // ---- bindings ----
  std::uint32_t hash_of(bool cluster, std::string_view space, std::string_view name)
      const noexcept {
    const std::uint64_t hash = hash_text(space, seed_ + (cluster ? 1 : 0));
    return static_cast<std::uint32_t>(hash_text(name, hash) >> 32);
  }

  auto same_binding(bool cluster, std::string_view space, std::string_view name) const {
    return [this, cluster, space, name](const NumberSlot& slot) {
      const BindingRecord& record = table_->bindings[slot.number - 1];
      return cluster == (record.namespace_ == no_word) && record.name() == name &&
             (cluster || table_->namespaces.word(record.namespace_) == space);
    };
  }

  // Its number; no_binding: there is none.
  std::uint32_t find_binding(bool cluster, std::string_view space, std::string_view name)
      const noexcept {
    if (cluster) space = {};
    const NumberSlot* const slot =
        binding_ids_.find(hash_of(cluster, space, name), same_binding(cluster, space, name));
    return slot == nullptr ? no_binding : slot->number - 1;
  }

  // False for a subject that can be nobody.
  bool subject_of(const Subject& subject, std::string_view binding_namespace, SubjectRecord& out) {
    if (subject.kind == "User") {
      out = {table_->users.intern(subject.name), static_cast<std::uint32_t>(SubjectKind::user), 0};
    } else if (subject.kind == "Group") {
      out = {
          table_->groups.intern(subject.name) | group_bit,
          static_cast<std::uint32_t>(SubjectKind::group),
          0
      };
    } else if (subject.kind == "ServiceAccount") {
      const std::string_view space =
          subject.namespace_.empty() ? binding_namespace : std::string_view(subject.namespace_);
      if (space.empty()) return false;
      scratch_.assign(account_prefix).append(space).append(":").append(subject.name);
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

  // Once each: a later one of the same name says nothing new.
  void read_subjects(const Binding& binding, bool cluster) {
    subjects_.clear();
    seen_subjects_.clear();
    for (const Subject& subject : binding.subjects) {
      SubjectRecord who;
      const std::string_view space = cluster ? std::string_view() : binding.namespace_;
      if (!subject_of(subject, space, who)) continue;
      const bool is_new = binding.subjects.size() == 1 || seen_subjects_.insert(who.subject).second;
      if (is_new) subjects_.push_back(who);
    }
  }

  BindingRecord make_record(const Binding& binding, bool cluster) {
    read_subjects(binding, cluster);
    BindingRecord record;
    if (!cluster) record.namespace_ = table_->namespaces.intern(binding.namespace_);
    record.role = role_of(binding, cluster);
    record.subject_count = static_cast<std::uint32_t>(subjects_.size());
    if (subjects_.size() == 1) record.one = subjects_[0];
    if (subjects_.size() > 1) {
      record.many = SharedArray<SubjectRecord>(subjects_.size());
      std::copy(subjects_.begin(), subjects_.end(), record.many.edit());
    }
    count_uses(record, 1);
    return record;
  }

  Word& subject_word(std::uint32_t subject) {
    if ((subject & group_bit) != 0) return table_->groups.edit(subject & ~group_bit);
    return table_->users.edit(subject);
  }

  void count_uses(const BindingRecord& record, int by) {
    const auto add = [by](std::uint32_t& uses) {
      uses = static_cast<std::uint32_t>(static_cast<std::int64_t>(uses) + by);
    };
    for (const SubjectRecord& subject : record) add(subject_word(subject.subject).uses);
    if (record.namespace_ != no_word) add(table_->namespaces.edit(record.namespace_).uses);
    add(roles_[record.role]->references);
    if (by > 0) return;
    for (const SubjectRecord& subject : record) unused_subjects_.push_back(subject.subject);
    if (record.namespace_ != no_word) unused_namespaces_.push_back(record.namespace_);
    unused_roles_.push_back(record.role);
  }

  void put_binding(const Binding& binding, bool cluster) {
    BindingRecord record = make_record(binding, cluster);
    std::uint32_t id = find_binding(cluster, binding.namespace_, binding.name);
    if (id == no_binding) {
      ++difference_.added;
      id = take_number(free_bindings_, table_->bindings);
      const std::string_view name = table_->text.add(binding.name);
      record.name_at = name.data();
      record.name_bytes = static_cast<std::uint32_t>(name.size());
      const std::string_view space = cluster ? std::string_view() : binding.namespace_;
      const std::uint32_t hash = hash_of(cluster, space, binding.name);
      binding_ids_.insert(hash) = {hash, id + 1};
      ++table_->binding_count;
    } else {
      const BindingRecord old = table_->bindings[id];
      if (old.role == record.role &&
          std::equal(old.begin(), old.end(), record.begin(), record.end())) {
        return count_uses(record, -1);
      }
      ++difference_.changed;
      record.name_at = old.name_at;
      record.name_bytes = old.name_bytes;
      take_back(old, id);
    }
    note_grants(record, id, 1);
    table_->extra_memory += record.many.memory();
    table_->bindings.edit(id) = std::move(record);
  }

  void drop_binding(std::uint32_t id) {
    if (id == no_binding) return;
    ++difference_.removed;
    const BindingRecord old = table_->bindings[id];
    const bool cluster = old.namespace_ == no_word;
    const std::string_view space =
        cluster ? std::string_view() : table_->namespaces.word(old.namespace_);
    const std::string_view name = old.name();
    binding_ids_.erase(hash_of(cluster, space, name), [&](const NumberSlot& slot) {
      return slot.number == id + 1;
    });
    take_back(old, id);
    table_->text.forget(old.name());
    table_->bindings.edit(id) = {};
    --table_->binding_count;
    free_bindings_.push_back(id);
  }

  void take_back(const BindingRecord& old, std::uint32_t id) {
    table_->extra_memory -= old.many.memory();
    note_grants(old, id, -1);
    count_uses(old, -1);
  }

  Binding binding_of(const BindingRecord& record) const {
    Binding out;
    out.name = record.name();
    if (record.namespace_ != no_word) out.namespace_ = table_->namespaces.word(record.namespace_);
    const RoleEntry& role = table_->roles[record.role];
    const std::string name(role.name);
    switch (role.kind) {
      case RoleKind::cluster_role:
        out.role = {"ClusterRole", name};
        break;
      case RoleKind::role:
      case RoleKind::role_nowhere:
        out.role = {"Role", name};
        break;
      case RoleKind::unsupported:
        out.role = {name, ""};
        break;
    }
    for (const SubjectRecord& subject : record) out.subjects.push_back(subject_from(subject));
    return out;
  }

  Subject subject_from(const SubjectRecord& record) const {
    if ((record.subject & group_bit) != 0) {
      return {"Group", std::string(table_->groups.word(record.subject & ~group_bit)), ""};
    }
    std::string_view name = table_->users.word(record.subject);
    if (static_cast<SubjectKind>(record.kind) == SubjectKind::user)
      return {"User", std::string(name), ""};
    name.remove_prefix(account_prefix.size());
    return {
        "ServiceAccount",
        std::string(name.substr(record.namespace_bytes + 1)),
        std::string(name.substr(0, record.namespace_bytes))
    };
  }

  // ---- a set of changes ----
  void put_all(const Policy& put) {
    for (const auto& role : put.cluster_roles)
      put_role(RoleKind::cluster_role, {}, role.name, role.rules);
    for (const auto& role : put.roles)
      put_role(RoleKind::role, role.namespace_, role.name, role.rules);
    for (const auto& binding : put.cluster_role_bindings) put_binding(binding, true);
    for (const auto& binding : put.role_bindings) put_binding(binding, false);
  }

  void drop_all_but(const Policy& policy) {
    std::vector<bool> kept(table_->bindings.size());
    const auto keep = [&](const std::vector<Binding>& bindings, bool cluster) {
      if (table_->binding_count == 0) return;
      for (const Binding& binding : bindings) {
        const std::uint32_t id = find_binding(cluster, binding.namespace_, binding.name);
        if (id != no_binding) kept[id] = true;
      }
    };
    keep(policy.cluster_role_bindings, true);
    keep(policy.role_bindings, false);
    for (std::uint32_t id = 0; id < kept.size(); ++id) {
      if (!kept[id] && table_->bindings[id].role != no_role) drop_binding(id);
    }
    std::unordered_set<std::uint32_t> roles;
    const auto keep_role = [&](const std::string& key) {
      if (const auto at = role_ids_.find(key); at != role_ids_.end()) roles.insert(at->second);
    };
    for (const auto& role : policy.cluster_roles)
      keep_role(role_key(RoleKind::cluster_role, {}, role.name));
    for (const auto& role : policy.roles)
      keep_role(role_key(RoleKind::role, role.namespace_, role.name));
    for (const std::uint32_t id : role_order()) {
      if (!roles.contains(id)) drop_role(id);
    }
  }

  PolicyDifference finish() {
    remake_unions();  // those there are; new ones are made of what roles give now
    change_lists();
    // What nobody uses any more goes last: its number stood for it until here.
    for (const std::uint32_t subject : unused_subjects_) release_subject(subject);
    for (const std::uint32_t id : unused_namespaces_) release_word(table_->namespaces, id);
    for (const std::uint32_t id : unused_roles_) release_role(id);
    unused_subjects_.clear();
    unused_namespaces_.clear();
    unused_roles_.clear();
    return std::exchange(difference_, {});
  }

  // ---- lists ----
  // A subject holds a role in a scope because of a binding: from now on, or no longer.
  struct HeldChange {
    std::uint64_t scope;
    Grant grant;
    std::int32_t by;
  };

  void note_grants(const BindingRecord& record, std::uint32_t id, std::int32_t by) {
    const bool cluster = record.namespace_ == no_word;
    // A role binding without a namespace is in none, so it never applies.
    if (!cluster && table_->namespaces.word(record.namespace_).empty()) return;
    const std::uint32_t scope = cluster ? 0 : record.namespace_ + 1;
    for (const SubjectRecord& subject : record) {
      changes_.push_back({scope_key(subject.subject, scope), {record.role, id}, by});
    }
  }

  void change_lists() {
    std::sort(changes_.begin(), changes_.end(), [](const HeldChange& a, const HeldChange& b) {
      return std::tie(a.scope, a.grant.role, a.grant.binding) <
             std::tie(b.scope, b.grant.role, b.grant.binding);
    });
    // A grant that was taken back and given again is no change.
    std::size_t kept = 0;
    for (std::size_t from = 0, to = 0; from < changes_.size(); from = to) {
      HeldChange sum = changes_[from];
      for (to = from + 1; to < changes_.size() && changes_[to].scope == sum.scope &&
                          changes_[to].grant == sum.grant;
           ++to) {
        sum.by += changes_[to].by;
      }
      if (sum.by != 0) changes_[kept++] = sum;
    }
    changes_.resize(kept);
    for (std::size_t from = 0, to = 0; from < changes_.size(); from = to) {
      while (to < changes_.size() && changes_[to].scope == changes_[from].scope) ++to;
      change_list(from, to);
    }
    changes_.clear();
  }

  void change_list(std::size_t from, std::size_t to) {
    const std::uint64_t scope = changes_[from].scope;
    const auto subject = static_cast<std::uint32_t>(scope >> 32);
    if ((scope & 0xffffffff) == 0) {
      GrantList& list = (subject & group_bit) != 0
                            ? table_->groups.edit(subject & ~group_bit).cluster
                            : table_->users.edit(subject).cluster;
      list = changed(list, from, to);
      return;
    }
    const auto same = [scope](const ScopeSlot& slot) { return slot.key == scope; };
    ScopeSlot* slot = table_->scopes.edit(hash_of_scope(scope), same);
    if (slot == nullptr) {
      slot = &table_->scopes.insert(hash_of_scope(scope));
      slot->key = scope;
      count_scopes(subject, 1);
    }
    slot->list = changed(slot->list, from, to);
    if (!slot->list.empty()) return;
    table_->scopes.erase(hash_of_scope(scope), same);
    count_scopes(subject, -1);
  }

  void count_scopes(std::uint32_t subject, int by) {
    std::uint32_t& scopes = (subject & group_bit) != 0
                                ? table_->groups.edit(subject & ~group_bit).scopes
                                : table_->users.edit(subject).scopes;
    scopes = static_cast<std::uint32_t>(static_cast<std::int64_t>(scopes) + by);
  }

  GrantList changed(const GrantList& old, std::size_t from, std::size_t to) {
    grants_.clear();
    const Grant* at = old.begin();
    for (std::size_t i = from; i < to; ++i) {
      const Grant& grant = changes_[i].grant;
      while (at != old.end() &&
             std::tie(at->role, at->binding) < std::tie(grant.role, grant.binding)) {
        grants_.push_back(*at++);
      }
      const bool was_there = at != old.end() && *at == grant;
      GH_ASSERT(was_there == (changes_[i].by < 0));
      if (was_there) {
        ++at;
      } else {
        grants_.push_back(grant);
      }
    }
    grants_.insert(grants_.end(), at, old.end());
    const std::uint32_t before = old.union_id();
    GrantList list(grants_, take_union());
    table_->extra_memory += list.memory() - old.memory();
    if (before != no_union) release_union(before);
    return list;
  }

  // ---- unions: of the roles of a list; lists of the same roles share one ----
  struct Union {
    std::string key;  // the roles' numbers
    std::vector<std::uint32_t> roles;
    std::size_t lists = 0;
    std::size_t size = 0;
  };

  std::uint32_t take_union() {
    std::vector<std::uint32_t> roles;
    for (const Grant& grant : grants_) {
      if (roles.empty() || roles.back() != grant.role) roles.push_back(grant.role);
    }
    if (roles.size() <= merge_above) return no_union;
    std::string key(reinterpret_cast<const char*>(roles.data()), roles.size() * sizeof(roles[0]));
    if (const auto known = union_ids_.find(key); known != union_ids_.end()) {
      ++unions_[known->second].lists;
      return known->second;
    }
    const std::uint32_t id = take_number(free_unions_, table_->unions);
    if (id >= unions_.size()) unions_.resize(id + 1);
    unions_[id] = {key, std::move(roles), 1, 0};
    if (!make_union(id)) {
      unions_[id] = {};
      free_unions_.push_back(id);
      return no_union;
    }
    union_ids_.emplace(std::move(key), id);
    return id;
  }

  // False: all unions together would be too large.
  bool make_union(std::uint32_t id) {
    Union& made = unions_[id];
    std::vector<const PermissionSet*> sets;
    for (const std::uint32_t role : made.roles) {
      if (table_->roles[role].set != nullptr) sets.push_back(table_->roles[role].set.get());
    }
    std::sort(sets.begin(), sets.end());
    sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
    std::size_t size = 0;
    for (const PermissionSet* set : sets) size += size_of(*set);
    if (union_size_ - made.size + size > merged_permissions_max) return false;
    union_size_ += size - made.size;
    made.size = size;
    auto set = std::make_shared<const PermissionSet>(union_of(sets));
    PermissionSetPtr& place = table_->unions.edit(id);
    table_->sets_memory += set->memory() - (place == nullptr ? 0 : place->memory());
    place = std::move(set);
    return true;
  }

  void release_union(std::uint32_t id) {
    if (--unions_[id].lists > 0) return;
    PermissionSetPtr& place = table_->unions.edit(id);
    table_->sets_memory -= place == nullptr ? 0 : place->memory();
    place = nullptr;
    union_size_ -= unions_[id].size;
    union_ids_.erase(unions_[id].key);
    unions_[id] = {};
    free_unions_.push_back(id);
  }

  void remake_unions() {
    if (changed_roles_.empty()) return;
    std::sort(changed_roles_.begin(), changed_roles_.end());
    for (std::uint32_t id = 0; id < unions_.size(); ++id) {
      const auto& roles = unions_[id].roles;
      const bool touched = std::any_of(roles.begin(), roles.end(), [&](std::uint32_t role) {
        return std::binary_search(changed_roles_.begin(), changed_roles_.end(), role);
      });
      if (!touched || make_union(id)) continue;
      // Too large now: null, and its lists are walked.
      PermissionSetPtr& place = table_->unions.edit(id);
      table_->sets_memory -= place == nullptr ? 0 : place->memory();
      place = nullptr;
      union_size_ -= std::exchange(unions_[id].size, 0);
    }
    changed_roles_.clear();
  }

  // ---- words that come and go ----
  template <class Entry>
  static void release_word(Interner<Entry>& words, WordId id) {
    // Noted more than once, it may be gone, or another's by now, which is in use.
    if (!words.is_there(id) || words[id].uses > 0) return;
    words.erase(id);
  }

  void release_subject(std::uint32_t subject) {
    if ((subject & group_bit) != 0) {
      release_word(table_->groups, subject & ~group_bit);
    } else {
      release_word(table_->users, subject);
    }
  }

  std::uint64_t seed_;
  std::unique_ptr<TableData> table_;  // edited here only; copies of it are published

  std::unordered_map<std::string, std::uint32_t> role_ids_;
  std::vector<std::unique_ptr<RoleState>> roles_;  // by number
  SetsByRules sets_;
  HashShards<NumberSlot> binding_ids_;
  std::unordered_map<std::string, std::uint32_t> union_ids_;
  std::vector<Union> unions_;  // by number
  std::size_t union_size_ = 0;
  std::vector<std::uint32_t> free_roles_, free_bindings_, free_unions_;
  std::size_t words_at_start_ = 0;

  // of the set of changes under way
  PolicyDifference difference_;
  std::vector<HeldChange> changes_;
  std::vector<std::uint32_t> changed_roles_;
  std::vector<std::uint32_t> unused_subjects_, unused_namespaces_, unused_roles_;
  std::vector<SubjectRecord> subjects_;
  std::unordered_set<std::uint32_t> seen_subjects_;
  std::vector<Grant> grants_;
  std::string scratch_;
};

PolicyCompiler::PolicyCompiler() : work_(std::make_unique<Work>()) {}

PolicyCompiler::PolicyCompiler(PolicyCompiler&&) noexcept = default;
PolicyCompiler& PolicyCompiler::operator=(PolicyCompiler&&) noexcept = default;
PolicyCompiler::~PolicyCompiler() = default;

Outcome<PolicyDifference> PolicyCompiler::apply(const PolicyChanges& changes) {
  if (work_->wants_sweeping() || !work_->check_words(changes.put)) {
    auto fresh = std::make_unique<Work>();
    fresh->update(work_->policy());
    fresh->started();
    GH_TRY_VOID(fresh->check_words(changes.put));
    work_ = std::move(fresh);
  }
  return work_->apply(changes);
}

Outcome<PolicyDifference> PolicyCompiler::update(const Policy& policy) {
  if (work_->wants_sweeping() || !work_->check_words(policy)) {
    auto fresh = std::make_unique<Work>();
    GH_TRY_VOID(fresh->check_words(policy));
    fresh->update(work_->policy());
    fresh->started();
    work_ = std::move(fresh);
  }
  return work_->update(policy);
}

DecisionTable PolicyCompiler::table() const { return DecisionTable(work_->snapshot()); }

Policy PolicyCompiler::policy() const { return work_->policy(); }

Outcome<DecisionTable> compile(const Policy& policy) {
  PolicyCompiler compiler;
  GH_TRY_VOID(compiler.update(policy));
  return compiler.table();
}

}  // namespace gh::authz::rbac
