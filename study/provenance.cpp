// SPDX-License-Identifier: Apache-2.0
#include "study/provenance.hpp"

#include "study/version.hpp"

namespace memwall {

ResultProvenance provenance(const RunRequest& request, const InputFiles& inputs) {
    ResultProvenance provenance;
    provenance.version = kVersion;
    provenance.inputs = inputs.list();
    provenance.overrides = request.override_texts;
    provenance.mapper_effort = name(request.settings.effort);
    return provenance;
}

}  // namespace memwall
