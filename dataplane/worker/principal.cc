// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/principal.h"

#include "authz/identity/encode.h"
#include "base/assert.h"
#include "base/limits.h"

#include <functional>

namespace gh::worker {
namespace {

// Texts with their lengths, so that no two identities look the same.
void append_text(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

std::size_t hash_of(const identity::Identity& who) {
  std::string all;
  append_text(all, who.user);
  append_text(all, who.uid);
  for (const std::string& group : who.groups) append_text(all, group);
  for (const auto& [key, values] : who.extra) {
    append_text(all, key);
    for (const std::string& value : values) append_text(all, value);
  }
  return std::hash<std::string>{}(all);
}

}  // namespace

Principal::Principal(identity::Identity&& who)
    : identity_(std::move(who)), node_(authz::node::node_caller(identity_)) {
  if (const auto passes = identity::forwardable(identity_); !passes) {
    unforwardable_ = "this identity cannot be passed on unchanged: " + passes.error();
    return;
  }
  identity::encode(identity_, [this](std::string_view name, std::string_view value) {
    fields_.emplace_back(name, value);
  });
}

PrincipalRef::PrincipalRef(Principal& principal) noexcept : at_(&principal) {
  at_->cache_->use(*at_);
}

PrincipalRef::PrincipalRef(const PrincipalRef& other) noexcept : at_(other.at_) {
  if (at_ != nullptr) at_->cache_->use(*at_);
}

PrincipalRef::~PrincipalRef() {
  if (at_ != nullptr) at_->cache_->release(*at_);
}

PrincipalCache::~PrincipalCache() {
  while (oldest_unused_ != nullptr) erase(*oldest_unused_);
  GH_ASSERT(by_hash_.empty());
}

PrincipalRef PrincipalCache::intern(identity::Identity who) {
  const std::size_t hash = hash_of(who);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    if (at->second->identity_ == who) return PrincipalRef(*at->second);
  }
  auto* const made = new Principal(std::move(who));
  made->hash_ = hash;
  made->cache_ = this;
  made->references_ = 1;  // until it has a user, so that use() finds it outside the list
  by_hash_.emplace(hash, made);
  PrincipalRef out(*made);
  --made->references_;
  return out;
}

void PrincipalCache::use(Principal& principal) noexcept {
  if (principal.references_++ > 0) return;
  (principal.newer_ == nullptr ? newest_unused_ : principal.newer_->older_) = principal.older_;
  (principal.older_ == nullptr ? oldest_unused_ : principal.older_->newer_) = principal.newer_;
  principal.newer_ = principal.older_ = nullptr;
  --unused_;
}

void PrincipalCache::release(Principal& principal) noexcept {
  if (--principal.references_ > 0) return;
  principal.older_ = newest_unused_;
  principal.newer_ = nullptr;
  (newest_unused_ == nullptr ? oldest_unused_ : newest_unused_->newer_) = &principal;
  newest_unused_ = &principal;
  if (++unused_ > limits::principals_cached_max) erase(*oldest_unused_);
}

// Of those without a user.
void PrincipalCache::erase(Principal& principal) noexcept {
  use(principal);  // takes it off the list
  const auto [first, last] = by_hash_.equal_range(principal.hash_);
  for (auto at = first; at != last; ++at) {
    if (at->second != &principal) continue;
    by_hash_.erase(at);
    break;
  }
  delete &principal;
}

}  // namespace gh::worker
