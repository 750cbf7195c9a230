# The role that tag-compliance assumes in one account.

module "policies" {
  source        = "../policies"
  principal_arn = var.principal_arn
  external_id   = var.external_id
  more_sources  = var.more_sources
  iam_tags_from = var.iam_tags_from
  never_tagged  = var.never_tagged
  read_regions  = var.read_regions
  partition     = data.aws_partition.current.partition
}

data "aws_partition" "current" {}

resource "aws_iam_role" "member" {
  name                 = var.role_name
  path                 = var.path
  description          = "tag-compliance: reads the tags of resources."
  assume_role_policy   = module.policies.trust
  max_session_duration = 3600
  tags                 = var.tags
}

resource "aws_iam_role_policy" "read_tags" {
  name   = "read-tags"
  role   = aws_iam_role.member.id
  policy = module.policies.member
}
