"""What a chapter's page needs beyond figures: parameters, facts for its sentences, claims."""
