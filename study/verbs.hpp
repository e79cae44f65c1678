// SPDX-License-Identifier: Apache-2.0
// The one list of verbs and options: the parser, the help and the test of the completion script are
// made from it.
#pragma once

#include <string>
#include <vector>

namespace memwall {

struct OptionSpec {
    const char* name;   ///< "--batch"
    const char* value;  ///< what follows, "N"; "" for an option that stands alone
    const char* help;
    bool repeats = false;
    const char* short_name = "";  ///< "-o"
};

struct VerbSpec {
    const char* name;
    const char* purpose;
    const char* positional;  ///< what the words after the verb are, in the help; "": there are none
    const char* positional_help;
    std::vector<std::string> options;   ///< names in option_specs()
    std::vector<std::string> examples;  ///< whole commands
};

const std::vector<OptionSpec>& option_specs();
const std::vector<VerbSpec>& verb_specs();
/// What `show` can show.
const std::vector<std::string>& show_words();

}  // namespace memwall
