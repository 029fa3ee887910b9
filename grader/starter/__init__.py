"""Stand-ins for the starter code's `utils`: put beside a submission that lacks them, as collect_submission.sh leaves
them out. They hold nothing that is asked for or expected: a submission can read them.
"""
