#!/bin/sh
# Fetch, verify and unpack the data sets, from any folder.
#
#   sh get_datasets.sh                 the Stanford Sentiment Treebank
#   sh get_datasets.sh evaluation      what evaluate.py scores with: word similarity and analogies
#   SST_ZIP=FILE sh get_datasets.sh    use a copy of the treebank's zip instead of the network
#   PYTHON=FILE sh get_datasets.sh     use this Python (else .venv/bin/python, else python3)
#   sh get_datasets.sh --help          the other options

case $0 in
    */*) root=${0%/*} ;;
    *) root=. ;;
esac
root=$(CDPATH='' cd -- "$root" && pwd) || exit 1

. "$root/utils/system/run_module.sh"
run_module utils.corpus.download "$@"
