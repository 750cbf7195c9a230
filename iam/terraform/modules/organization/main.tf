# The role that reads the list of accounts from AWS Organizations: in the management account, or in the account of a
# delegated administrator.

module "policies" {
  source        = "../policies"
  principal_arn = var.principal_arn
  external_id   = var.external_id
  read_owners   = var.read_owners
  partition     = data.aws_partition.current.partition
}

data "aws_partition" "current" {}

resource "aws_iam_role" "organization" {
  name                 = var.role_name
  path                 = var.path
  description          = "tag-compliance: reads the accounts of the organization."
  assume_role_policy   = module.policies.trust
  max_session_duration = 3600
  tags                 = var.tags
}

resource "aws_iam_role_policy" "read_the_organization" {
  name   = "read-the-organization"
  role   = aws_iam_role.organization.id
  policy = module.policies.organization
}
