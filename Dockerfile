# SPDX-License-Identifier: Apache-2.0
# memwall in a container, built from the clone that it lies in; scripts/check_image.sh tests it.
#   docker build -t memwall .
#   docker run --rm memwall run --machine northpole --network resnet50
#   docker run --rm -v "$PWD:/here" memwall run mine.yaml --json result.json     files of this folder
FROM debian:12 AS build
COPY . /memwall
RUN /memwall/scripts/build.sh --target memwall \
    && cmake --install /memwall/build --prefix /opt/memwall
# The packages that own the libraries which the program loads.
RUN ldd /opt/memwall/bin/memwall | awk '$2 == "=>" {print "*/" $1}' \
    | xargs dpkg-query --search | cut -d: -f1 | sort -u >/opt/memwall/packages

FROM debian:12
COPY --from=build /opt/memwall /opt/memwall
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive xargs -a /opt/memwall/packages apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/memwall/bin:$PATH
WORKDIR /here
ENTRYPOINT ["memwall"]
