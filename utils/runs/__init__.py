"""What a resumable run needs: checkpoints, its losses, its folder."""
