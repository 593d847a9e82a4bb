// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/policy_yaml.h"
