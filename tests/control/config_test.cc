// SPDX-License-Identifier: Apache-2.0
#include "control/config.h"

#include <gtest/gtest.h>
