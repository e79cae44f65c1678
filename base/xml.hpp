// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace memwall {

/// A text as it stands in an element or an attribute of XML.
std::string escaped_xml(const std::string& text);

}  // namespace memwall
