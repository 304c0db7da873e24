#!/bin/sh
# Makes the certificates of the tests anew: an authority, a server for 127.0.0.1 and localhost, a
# client. They are committed, used nowhere else, and good from 2020 on, so that no clock matters.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/index"
cat >"$work/ca.cnf" <<END
[ca]
default_ca = tests
[tests]
new_certs_dir = $work
database = $work/index
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:true
END

request() { # file, common name, alternative names
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config "$work/ca.cnf" \
    -subj "/CN=$2" ${3:+-addext "subjectAltName=$3"} -keyout "$1.key" -out "$work/$1.csr"
}
sign() { # file, further options
  name=$1
  shift
  openssl ca -batch -notext -config "$work/ca.cnf" -startdate 20200101000000Z -enddate 21200101000000Z \
    -in "$work/$name.csr" -out "$name.crt" "$@"
}

request ca 'Switchboard test authority' ''
sign ca -selfsign -keyfile ca.key -extensions authority
request server localhost 'DNS:localhost,IP:127.0.0.1'
sign server -cert ca.crt -keyfile ca.key
request client node-7 'DNS:node-7'
sign client -cert ca.crt -keyfile ca.key
rm ca.key
