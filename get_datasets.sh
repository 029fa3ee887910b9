#!/bin/sh
# Fetch, verify and unpack the data sets; works from any folder.
#
#   sh get_datasets.sh                 the Stanford Sentiment Treebank
#   sh get_datasets.sh text8           17 million words of Wikipedia, for `--corpus`
#   sh get_datasets.sh evaluation      what evaluate.py scores with: word similarity and analogies
#   SST_ZIP=FILE sh get_datasets.sh    use a copy of the treebank's zip instead of the network
#   TEXT8_ZIP=FILE sh get_datasets.sh text8    the same for text8
#   PYTHON=FILE sh get_datasets.sh     use this Python (default: .venv/bin/python, then python3)
#   sh get_datasets.sh --help          the other options, the addresses and the terms of use

case $0 in
    */*) root=${0%/*} ;;
    *) root=. ;;
esac
root=$(CDPATH='' cd -- "$root" && pwd) || exit 1

. "$root/utils/system/run_module.sh"
run_module utils.corpus.download "$@"
