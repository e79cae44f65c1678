// SPDX-License-Identifier: Apache-2.0
// A result from its JSON, as to_json() writes it.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

/// Everything that reports are made from: not the ledger's rows, and of the provenance the
/// input files and the effort of the mapper alone. Throws InputError, with the path of the first
/// key that is missing or of the wrong kind, for what is no result of this schema; `shown_as` names
/// the file.
Result read_result(const std::string& text, const std::string& shown_as);

}  // namespace memwall
